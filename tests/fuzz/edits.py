"""Edits of files, and values that programs seldom expect."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

MANY = 100
"""Number of examples above which a profile was chosen by hand."""

FUZZ = settings(
    max_examples=settings.default.max_examples if settings.default.max_examples > MANY else 20,
    suppress_health_check=list(HealthCheck),
)
"""Settings of tests that run a whole command for each example."""

Edit = tuple[float, int, bytes]
"""Place as a fraction of the content, number of bytes that are removed there, and bytes that take their place."""

TOKENS = [
    b"",
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\n",
    b"\r\n",
    b"\t",
    b",",
    b":",
    b'"',
    b"[",
    b"}",
    b"-",
    b"-1",
    b"-0.0",
    b"0",
    b"nan",
    b"inf",
    b"1e999",
    b"9" * 40,
    b"9" * 5000,
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"&a [*a]",
    b"!!python/object/apply:os.getcwd []",
    "é".encode(),
    "٣".encode(),
    "\ud800".encode("utf-16", "surrogatepass"),
]

VALUES: list[object] = [
    None,
    True,
    -1,
    0,
    2**31,
    2**63,
    10**400,
    -0.5,
    float("nan"),
    float("inf"),
    1e-320,
    "",
    " ",
    "nan",
    "~",
    "../..",
    "/dev/null",
    "\x00",
    "\x1b[2J",
    "é" * 300,
    "${oc.env:HOME}",
    [],
    [None],
    [[1], 2],
    {},
    {"class_path": "os.getcwd"},
    {"class_path": "LabelFlip"},
    {"class_path": "Ridge", "init_args": {"a": 1}},
    {"init_args": {}},
    {1: 2},
]

edits: st.SearchStrategy[list[Edit]] = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.sampled_from([0, 1, 2, 8, 64, 10**9]),
        st.one_of(st.sampled_from(TOKENS), st.binary(max_size=4)),
    ),
    min_size=1,
    max_size=3,
)


def edited(content: bytes, changes: list[Edit]) -> bytes:
    """Return content after some edits, one after the other."""
    for place, removed, added in changes:
        start = int(place * len(content))
        content = content[:start] + added + content[start + removed :]
    return content
