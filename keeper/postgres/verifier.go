package postgres

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// scramIterations is Postgres's own number.
const scramIterations = 4096

// passwordVerifier is what Postgres would store for a password (RFC 5803). It is sent instead of the password,
// as psql's \password does, so that no log and no pg_stat_statements gets to see that. A method md5 in
// pg_hba.conf takes it too. What is not ASCII would have to be normalised first and is left to Postgres.
func passwordVerifier(password string) string {
	if strings.ContainsFunc(password, func(r rune) bool { return r < ' ' || r > '~' }) {
		return password
	}
	salt := make([]byte, 16)
	rand.Read(salt) // never fails
	return scramVerifier(password, salt)
}

func scramVerifier(password string, salt []byte) string {
	salted, err := pbkdf2.Key(sha256.New, password, salt, scramIterations, sha256.Size)
	if err != nil { // FIPS mode refuses short passwords
		return password
	}
	stored := sha256.Sum256(keyed(salted, "Client Key"))
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", scramIterations, encode(salt), encode(stored[:]), encode(keyed(salted, "Server Key")))
}

func keyed(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
