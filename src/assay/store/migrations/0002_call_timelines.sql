-- What the asker spoke, and when the bytes of a streamed answer came (JSON: pairs of microseconds and bytes so far).
ALTER TABLE calls ADD COLUMN client_protocol TEXT;
ALTER TABLE calls ADD COLUMN timeline TEXT;
