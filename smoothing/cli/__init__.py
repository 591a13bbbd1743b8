"""The command line: ``smoothing certify``, ``fit``, ``compare`` and ``table``.

Commands alone may import all other packages. Add here options, subcommands and the messages that they end with.
"""
