"""Files as spreadsheets leave them: read where their meaning is certain, told what to do where it is not."""

import codecs

import pytest

HEADER = "customer_id,customer_name,client_id,client_secret,integration_context,integration_type,tenant_type,"
HEADER += "integration_name"
ROW = "acme,Acme,78abc,s3cr3t,urn:li:organization:4gX03uw,APPLY_WITH_LINKEDIN,JOBS,Careers"
BAD = ROW.replace("JOBS", "jobs")
PLAIN = f"{HEADER}\n{ROW}\n"
SEP = "is divided by semicolons, which is not what its sep= line says; take that out"


@pytest.mark.parametrize(
    "padded",
    [
        pytest.param(f"{HEADER}\n{ROW}\n,,,,,,,\n,,,,,,,\n", id="rows at the end"),
        pytest.param(f"{HEADER}\n,,,,,,,\n{ROW}\n, ,\u00a0,\n", id="rows between, with blanks"),
        pytest.param(f'{HEADER}\n{ROW}\n"","","","","","","",""\n', id="quoted"),
        pytest.param(f",,,,,,,\n{HEADER}\n{ROW}\n", id="before the header"),
        pytest.param(f"{HEADER},,,\n{ROW},,,\n,,,,,,,,,,\n", id="columns at the end"),
        pytest.param(f"{HEADER},,,\n{ROW}\n", id="columns that a row leaves out"),
        pytest.param(f"{HEADER},, \n{ROW}, ,\u00a0\n", id="columns with blanks"),
        pytest.param(f",{HEADER}\n,{ROW}\n", id="a column before"),
        pytest.param(HEADER.replace("d,", "d,,", 1) + "\n" + ROW.replace("acme,", "acme,,") + "\n", id="between"),
    ],
)
def test_padding_is_no_row_and_no_column(read, padded: str) -> None:
    assert read(padded) == read(PLAIN)


def test_padding_is_counted(errors) -> None:
    assert errors(f"{HEADER},,\n,,,,\n{BAD},,\n")[0].startswith("in.csv:3: tenant_type: ")


def test_nothing_but_padding_is_an_empty_file(errors) -> None:
    assert errors(",,,,\n,,,,\n") == ["in.csv:1: header: is missing: the file is empty"]
    assert errors(f"{HEADER}\n,,,,,,,\n") == ["in.csv:1: header: is all there is: the file has no rows"]


def test_a_value_in_a_nameless_column_is_told_and_not_quoted(errors) -> None:
    assert errors(f"{HEADER},,\n{ROW},,\n{ROW},,s3cr3t\n") == [
        "in.csv:3: row: has a value in column 10, which has no name; name it or empty it"
    ]


def test_an_unquoted_comma_is_not_taken_for_padding(errors) -> None:
    """The last name is empty, so the shifted row is as long as the padded one."""
    shifted = ROW.replace("Acme", "Acme,Inc").replace("Careers", "")
    assert errors(f"{HEADER}\n{shifted}\n") == ["in.csv:2: row: has 9 cells, the header has 8"]
    assert errors(f"{HEADER},\n{shifted}\n") != []


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("sep", [False, True])
def test_another_delimiter_is_read(read, errors, delimiter: str, quote: str, sep: bool) -> None:
    def divided(text: str) -> str:
        lines = (delimiter.join(f"{quote}{cell}{quote}" for cell in line.split(",")) for line in text.splitlines())
        return (f"sep={delimiter}\n" if sep else "") + "\n".join(lines)

    assert read(divided(PLAIN)) == read(PLAIN)
    assert read(divided(f"{HEADER},,\n{ROW},,\n,,,,,,,,,\n")) == read(PLAIN)
    assert errors(divided(f"{HEADER}\n{BAD}"))[0].startswith(f"in.csv:{2 + sep}: tenant_type: ")


@pytest.mark.parametrize("line", ["sep=,", "SEP=,", '"sep=,"', "sep=,,,,,,,", "\nsep=,\n"])
def test_a_sep_line_in_any_dress_is_read_past(read, line: str) -> None:
    assert read(f"{line}\r\n{PLAIN}") == read(PLAIN)


def test_a_sep_line_that_contradicts_the_header_is_refused(errors) -> None:
    assert errors("sep=,\n" + PLAIN.replace(",", ";")) == [f"in.csv:1: header: {SEP}"]
    assert errors("sep=;\n") == ["in.csv:1: header: is missing: the file is empty"]


def test_a_row_with_another_delimiter_than_the_header_is_refused(errors) -> None:
    assert errors(f"{HEADER}\n{ROW.replace(',', ';')}\n") == ["in.csv:2: row: has 1 cells, the header has 8"]


def test_carriage_returns_alone_end_lines(read, errors, objects) -> None:
    assert read(PLAIN.replace("\n", "\r")) == read(PLAIN)
    assert read(objects({}, {"integration_type": "X"}).replace("\n", "\r")) == read(
        objects({}, {"integration_type": "X"})
    )
    assert errors(f"{HEADER}\r{ROW}\r{BAD}\r")[0].startswith("in.csv:3: tenant_type: ")


@pytest.mark.parametrize(("bom", "codec"), [(codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_utf_16_that_says_so_is_read(read, bom: bytes, codec: str, end: str) -> None:
    """Excel's "Unicode Text" is this, divided by tabs."""
    text = PLAIN.replace("Acme", "Ünï 😀").replace(",", "\t").replace("\n", end)
    (customer,) = read(bom + text.encode(codec))
    assert customer.customer_name == "Ünï 😀"


@pytest.mark.parametrize("damage", [b"\x00", b"\x00\xd8", b"\x00\xd8a\x00"])
def test_damaged_utf_16_is_one_error(errors, damage: bytes) -> None:
    assert errors(PLAIN.encode("utf-16") + damage) == [
        "in.csv:1: file: is UTF-16 text that breaks off or is damaged; save it as UTF-8"
    ]


def test_a_line_break_in_a_quoted_cell_shifts_nothing(read, errors) -> None:
    """Read where the cell is no value, told where it is one."""
    assert read(f'{HEADER},\n{ROW},"\n"\n"\n",,,,,,,,\n') == read(PLAIN)
    told = errors(f"{HEADER}\n{ROW.replace('Acme', chr(34) + 'Ac' + chr(10) + 'me' + chr(34))}\n{BAD}\n")
    assert [line.split(": ")[:2] for line in told[:2]] == [["in.csv:2", "customer_name"], ["in.csv:4", "tenant_type"]]


def test_windows_1252_is_told_at_its_field(errors) -> None:
    """Which of the old code pages it is cannot be known: 0xE9 is é in one and ι in another."""
    told = errors(PLAIN.replace("Acme", "Café").encode("cp1252"))
    assert told == ["in.csv:2: customer_name: is not UTF-8 text; save the file as UTF-8"]
