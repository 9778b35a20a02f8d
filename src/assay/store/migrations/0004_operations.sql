-- What was asked for: NULL for an answer in a conversation, else embeddings, images, speech and the like.
ALTER TABLE calls ADD COLUMN operation TEXT;
