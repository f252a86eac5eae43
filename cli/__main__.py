"""`python -m cli`: the console command, for whoever starts it from this Python."""

from cli.start import main

main()
