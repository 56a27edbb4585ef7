-- Key pairs of local actors. Private parts are sealed under a secret that is not in the database; the row
-- outlives its actor, whose removal is still to be signed.
CREATE TABLE signatures_key (
    actor_id I64 PRIMARY KEY,
    actor_url TEXT NOT NULL,
    public_pem TEXT NOT NULL,
    rsa_sealed BYTES NOT NULL,
    ed25519_multibase TEXT NOT NULL,
    ed25519_sealed BYTES NOT NULL,
    created TIME NOT NULL
);
-- Hosts that understand RFC 9421: they signed so, or asked for it.
CREATE TABLE signatures_modern (
    host TEXT PRIMARY KEY,
    created TIME NOT NULL
);
