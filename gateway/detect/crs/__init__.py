"""OWASP CRS through libmodsecurity, in processes of their own: for names and header values that no grammar proves. Never for prose."""
