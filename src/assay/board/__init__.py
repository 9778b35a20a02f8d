"""The leaderboard: ratings from the vote log beside price and speed, and public votes to begin with."""
