"""Bodies that are lines of text."""

import schemathesis


@schemathesis.serializer("application/x-ndjson", "text/csv")
def lines(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")
