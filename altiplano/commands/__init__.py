"""The commands, a module for each kind of work, listed in `altiplano.main`. They read words and print; what they do lies elsewhere."""
