"""Tools for authors and instructors, behind the ``course`` command.

No notebook imports them.
"""

import sys

# jsonschema tries this optional package for checking IRIs, which no notebook contains, and it
# compiles a grammar for 0.65 s at import. Every process that reads a notebook would wait for it;
# ``None`` makes jsonschema go on without.
sys.modules.setdefault("rfc3987_syntax", None)
