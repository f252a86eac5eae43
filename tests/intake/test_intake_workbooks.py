"""Excel workbooks: read where a cell can mean one thing, told what to do where it cannot."""

import io
import re
import sys
import zipfile
from datetime import date
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.styles import Font

from greenlight.intake import workbook
from tests.intake.conftest import GOOD

HEADER, ROW = list(GOOD), list(GOOD.values())
NUMBER = "is a number that Excel may have changed; format the column as text and enter it again"


def saved(*rows: list[Any], other: list[list[Any]] | None = None, shown_as: str = "General") -> bytes:
    """A workbook with these rows on its first sheet; the format is that of all its numbers."""
    book = Workbook()
    sheets = [(book.active, rows), *([(book.create_sheet("Notes"), other)] if other is not None else [])]
    for sheet, lines in sheets:
        assert sheet is not None
        for line in lines:
            sheet.append(line)
        for cells in sheet.iter_rows():
            for cell in cells:
                if isinstance(cell.value, int | float):
                    cell.number_format = shown_as
    return kept(book)


def kept(book: Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def with_value(field: str, value: Any) -> list[Any]:
    return [value if name == field else cell for name, cell in GOOD.items()]


def repacked(data: bytes, part: str, change: Any) -> bytes:
    """The same archive with one of its parts changed."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == part else old.read(name))
    return file.getvalue()


@pytest.mark.parametrize("name", ["in.xlsx", "in.csv"])
def test_a_workbook_is_read_like_its_csv(read, table, name: str) -> None:
    assert read(saved(HEADER, ROW), name) == read(table({}))


@pytest.mark.parametrize(
    "padded",
    [
        pytest.param([HEADER, ROW, [], ["", " ", None]], id="rows at the end"),
        pytest.param([[None] * 8, HEADER, [], ROW], id="rows between"),
        pytest.param([[*HEADER, None, ""], [*ROW, None, " "]], id="columns at the end"),
        pytest.param([[None, *HEADER], [None, *ROW]], id="a column before"),
    ],
)
def test_padding_is_no_row_and_no_column(read, table, padded: list[list[Any]]) -> None:
    data = saved(*padded)
    (customer,), (plain,) = read(data, "in.xlsx"), read(table({}))
    assert (customer.customer_id, customer.integrations) == (plain.customer_id, plain.integrations)


@pytest.mark.parametrize("field", ["integration_name", "client_id"])
def test_a_cell_that_was_never_filled_in_is_an_empty_one(read, errors, field: str) -> None:
    """Excel writes nothing at all for it, so that a row ends where its last value is; a merged cell is such a one."""
    blank = with_value(field, None)
    if field == "client_id":
        assert errors(saved(HEADER, blank), "in.xlsx") == [
            "in.xlsx:2: client_id: is empty while client_secret is given; give both or neither"
        ]
        return
    while blank[-1] is None:
        blank.pop()
    (customer,) = read(saved(HEADER, blank), "in.xlsx")
    assert [name for _, name in customer.integrations] == ["Acme's Apply with LinkedIn Integration"]


def test_formats_beside_the_table_are_nothing(read) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEADER)
    sheet.append(ROW)
    sheet["J2"].font = Font(bold=True)
    assert len(read(kept(book), "in.xlsx")) == 1


def test_a_hidden_sheet_is_never_the_one(errors) -> None:
    book = Workbook()
    shown, hidden = book.active, book.create_sheet("old")
    assert shown is not None
    shown.append(["Customers of 2026"])
    hidden.append(HEADER)
    hidden.append(ROW)
    hidden.sheet_state = "veryHidden"
    (line,) = errors(kept(book), "in.xlsx")
    assert line.startswith("in.xlsx:1: header: is missing: the first line must be ")


def shared(*texts: str) -> bytes:
    """The good row as Excel keeps it, in strings beside the sheet; the customer's id is put together of these texts."""
    runs = "".join(f"<r><t>{text}</t></r>" for text in texts)
    strings = [f"<si><t>{name}</t></si>" for name in HEADER] + [f"<si>{runs}<rPh sb='0' eb='1'><t>x</t></rPh></si>"]
    strings += [f"<si><t>{value}</t></si>" for value in ROW[1:]]
    plain = saved(HEADER, ROW)
    cells = iter(range(16))

    def pointing(xml: bytes) -> bytes:
        return re.sub(rb't="inlineStr"><is><t>[^<]*</t></is>', lambda _: b't="s"><v>%d</v>' % next(cells), xml)

    file = io.BytesIO()
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(io.BytesIO(plain)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("sheet1.xml"):
                content = pointing(content)
                assert content.count(b't="s"') == 16
            if name == "[Content_Types].xml" and b"sharedStrings" not in content:
                part = b'<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-'
                part += b'officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
                content = content.replace(b"</Types>", part)
            if name != "xl/sharedStrings.xml":
                new.writestr(name, content)
        new.writestr("xl/sharedStrings.xml", f'<sst xmlns="{main}">{"".join(strings)}</sst>')
    return file.getvalue()


def test_strings_as_excel_keeps_them(read, errors) -> None:
    """Beside the sheet, in runs of different fonts, with a reading aid that belongs to nobody's name."""
    (customer,) = read(shared("ac", "me"), "in.xlsx")
    assert customer.customer_id == "acme"
    why = "holds a character that Excel writes as _xHHHH_, like a line's end; type it again"
    assert errors(shared("acme_x000D_"), "in.xlsx") == [f"in.xlsx:2: customer_id: {why}"]


def test_a_text_that_is_shown_with_more_than_it_holds_is_told(errors) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEADER)
    sheet.append(ROW)
    sheet["A2"].number_format = '"ACME-"@'
    (line,) = errors(kept(book), "in.xlsx")
    assert line.startswith("in.xlsx:2: customer_id: is shown with more than it holds")


def test_rows_as_wide_as_excel_are_not_all_read(errors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "_MOST_WIDE_ROWS", 2)
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEADER)
    for row in range(2, 6):
        sheet.cell(row, 300, "x")
    (line,) = errors(kept(book), "in.xlsx")
    assert line.startswith("in.xlsx:1: file: has rows of more than 200 cells")


def test_a_fault_stands_at_the_row_that_excel_shows(errors) -> None:
    rows = saved(HEADER, [], ROW, with_value("tenant_type", "jobs"))
    assert errors(rows, "in.xlsx")[0].startswith("in.xlsx:4: tenant_type: ")


@pytest.mark.parametrize("value", [1001, 1001.0, 999_999_999_999_999])
@pytest.mark.parametrize("shown_as", ["General", "0"])
def test_a_whole_number_is_the_text_that_it_is_shown_as(read, value: float, shown_as: str) -> None:
    (customer,) = read(saved(HEADER, with_value("customer_id", value), shown_as=shown_as), "in.xlsx")
    assert customer.customer_id == str(int(value))


@pytest.mark.parametrize(
    ("value", "shown_as", "why"),
    [
        (10**15, "General", NUMBER),
        (1.5, "General", NUMBER),
        (12, "0000", NUMBER),
        (12, "0.00E+00", NUMBER),
        (True, "General", "is no text; format the column as text and enter it again"),
        (date(2026, 3, 1), "General", "is a date or a time; format the column as text and enter it again"),
        ("=A1", "General", "is a formula; paste its value instead"),
        ("#N/A", "General", "is no text; format the column as text and enter it again"),
    ],
)
def test_what_excel_may_have_changed_is_told_and_not_taken(errors, value: Any, shown_as: str, why: str) -> None:
    data = saved(HEADER, with_value("customer_id", value), shown_as=shown_as)
    assert errors(data, "in.xlsx") == [f"in.xlsx:2: customer_id: {why}"]


def test_the_sheet_is_the_one_that_names_the_columns(read, errors) -> None:
    """Its place and its name say nothing; two of them could both be meant."""
    notes = [["call them on Monday"], ["or later"]]
    assert read(saved(*notes, other=[HEADER, ROW]), "in.xlsx") == read(saved(HEADER, ROW), "in.xlsx")
    why = "sheets whose first row names the columns; leave one in it"
    assert errors(saved(HEADER, ROW, other=[HEADER, ROW]), "in.xlsx") == [f"in.xlsx:1: file: has 2 {why}"]
    assert errors(saved(*notes, other=notes), "in.xlsx") == [f"in.xlsx:1: file: has no {why}"]
    assert errors(saved(), "in.xlsx") == ["in.xlsx:1: header: is missing: the file is empty"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(lambda xml: xml[: len(xml) // 2], "is a damaged Excel workbook", id="cut off"),
        pytest.param(
            lambda xml: b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>]>" + xml.partition(b"?>")[2],
            "is a damaged Excel workbook",
            id="entities",
        ),
        pytest.param(lambda xml: xml + b" " * 2**20, "unpacks to more than 1 MiB", id="a bomb"),
    ],
)
def test_a_hostile_or_damaged_workbook_is_refused_without_a_word_of_it(
    errors, monkeypatch: pytest.MonkeyPatch, change: Any, why: str
) -> None:
    monkeypatch.setattr(workbook, "MAX_UNPACKED_BYTES", 2**20)
    (line,) = errors(repacked(saved(HEADER, ROW), "xl/worksheets/sheet1.xml", change), "in.xlsx")
    assert line.startswith(f"in.xlsx:1: file: {why}")
    assert GOOD["client_secret"] not in line


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"PK\x03\x04\x14\x00" + bytes(50), "is a ZIP archive or a document and no Excel workbook"),
        (repacked(saved(HEADER), "", None).replace(b"xl/workbook.xml", b"xl/document.xml"), "is a ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "is an old Excel workbook or one with a password"),
    ],
)
def test_what_is_no_workbook_is_told_apart(errors, data: bytes, why: str) -> None:
    (line,) = errors(data, "in.xlsx")
    assert line.startswith(f"in.xlsx:1: file: {why}")
    assert "CSV in UTF-8" in line


@pytest.mark.parametrize("missing", ["openpyxl", "defusedxml"])
def test_without_the_extra_it_says_what_to_install(errors, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    if missing == "openpyxl":
        monkeypatch.setitem(sys.modules, "openpyxl", None)
    else:
        monkeypatch.setattr("openpyxl.DEFUSEDXML", False)
    assert errors(saved(HEADER, ROW), "in.xlsx") == [f"in.xlsx:1: file: {workbook._NO_READER}"]
