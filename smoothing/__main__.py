"""``python -m smoothing`` is the console script ``smoothing``."""

from smoothing.cli.main import main

if __name__ == "__main__":
    main()
