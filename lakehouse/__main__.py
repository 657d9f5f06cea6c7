"""`python -m lakehouse`: the command, where its script is not on the path."""

from lakehouse.cli.main import main

if __name__ == "__main__":
    main()
