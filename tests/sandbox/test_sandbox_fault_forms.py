"""A fault that is written down wrongly is refused with what is wrong."""

from typing import Any

import pytest
from pydantic import ValidationError

from sandbox.faults import Fault


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"on": "verify", "fault": "sneeze"}, "'sneeze' is not a fault; known are status, html"),
        ({"on": "verify", "fault": "ignored"}, "'ignored' cannot happen on 'verify', only on enable"),
        ({"on": "verify", "fault": "hang"}, "'hang' needs 'seconds'"),
        ({"on": "verify", "fault": "status"}, "'status' needs 'status'"),
        ({"on": "verify", "fault": "lost", "seconds": 1}, "'lost' takes no 'seconds'"),
        ({"on": "verify", "fault": "html", "applied": True}, "only an enable can be applied"),
        ({"on": "token", "fault": "html", "type": "CSA_API"}, "no integration type"),
        ({"on": "verify", "fault": "lost", "times": 0}, "greater than or equal to 1"),
        ({"on": "provision", "fault": "lost"}, "'token', 'verify' or 'enable'"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(fault: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Fault.model_validate(fault)
