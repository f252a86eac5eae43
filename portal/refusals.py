"""Why a request is not answered as asked, as exceptions; `portal.app` makes answers of them."""


class Refusal(Exception):
    """An answer of 400 to 499 with one sentence, in JSON. The sentence is shown to whoever asked."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


class Gone(Exception):
    """No link, no session: the page that says so, always the same one."""


class TooOften(Exception):
    """Too many requests in a minute."""

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after
