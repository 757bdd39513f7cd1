/** The start and the end of Node, and nothing between: what every process pays. */
