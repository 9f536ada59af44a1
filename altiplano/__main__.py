"""`python -m altiplano` is the command line too."""

from altiplano.main import main

main()
