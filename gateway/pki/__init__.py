"""Certificates, revocation and tokens for a small site. Firms with their own authority use none of this."""
