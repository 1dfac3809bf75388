package postgres

import (
	"encoding/base64"
	"strings"
	"testing"
)

// The verifier of RFC 7677's example, as Postgres stores it.
func TestPasswordVerifier(t *testing.T) {
	salt, _ := base64.StdEncoding.DecodeString("W22ZaJ0SNY7soEsUEjb6gQ==")
	want := "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
	if got := scramVerifier("pencil", salt); got != want {
		t.Errorf("%s", got)
	}
	if got := passwordVerifier("geheim"); !strings.HasPrefix(got, "SCRAM-SHA-256$4096:") || strings.Contains(got, "geheim") {
		t.Errorf("%s", got)
	}
	if got := passwordVerifier("schlüssel"); got != "schlüssel" {
		t.Errorf("%s", got)
	}
}
