"""The security console: read-only pages and a playground, behind the admin listener. Nothing here changes the gateway.

Who may come is `http.admin`'s matter; what is recorded is asked of `audit`; what would happen to a text is judged by
`gateway.cases`, through the gate that is in force.
"""
