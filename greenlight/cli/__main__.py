"""`python -m greenlight.cli`: the console command, for whoever starts it from this Python."""

from greenlight.cli.app import main

main()
