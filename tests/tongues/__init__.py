"""Every client's protocol over every upstream's: official SDKs through the gateway to a strict upstream."""
