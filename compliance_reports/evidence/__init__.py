"""The figures E1 to E21: small pure functions from facts to a figure each. Which clause wants which is the frameworks' matter."""
