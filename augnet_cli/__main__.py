"""`python -m augnet_cli` is `augnet`."""

from augnet_cli.cli.main import run

if __name__ == "__main__":
    run()
