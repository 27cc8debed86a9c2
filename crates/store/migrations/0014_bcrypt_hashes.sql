-- Whether a password is still kept as bcrypt, and how costly: each login asks, since all of them take as long as one of those.

CREATE INDEX users_with_bcrypt ON users (substr(password_hash, 5, 2)) WHERE password_hash LIKE '$2_$%';
