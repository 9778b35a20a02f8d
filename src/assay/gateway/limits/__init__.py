"""What the ledger is made of: meters that count, what a request may use at most, and leases where several processes share them."""
