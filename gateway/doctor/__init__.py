"""Live checks of a site: each function looks at one thing and says what it saw. Printing is the command line's."""
