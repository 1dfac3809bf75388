package monitor

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5/pgconn"
)

// useCRL makes config refuse servers whose certificate is on the revocation
// list in file (libpq's sslcrl), in every mode that verifies certificates.
func useCRL(config *pgconn.Config, file string) error {
	list, err := readCRL(file)
	if err != nil {
		return err
	}
	configs := []*tls.Config{config.TLSConfig}
	for _, fallback := range config.Fallbacks {
		configs = append(configs, fallback.TLSConfig)
	}
	for _, c := range configs {
		if c != nil && verifies(c) {
			c.VerifyConnection = func(state tls.ConnectionState) error {
				return checkRevoked(state.PeerCertificates, list)
			}
		}
	}
	return nil
}

// verifies: pgx implements verify-ca with a function of its own.
func verifies(c *tls.Config) bool { return !c.InsecureSkipVerify || c.VerifyPeerCertificate != nil }

func readCRL(file string) ([]*x509.RevocationList, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read sslcrl: %w", err)
	}
	var lists []*x509.RevocationList
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		list, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read sslcrl %s: %w", file, err)
		}
		lists = append(lists, list)
	}
	if len(lists) == 0 {
		return nil, fmt.Errorf("read sslcrl %s: no certificate revocation list in it", file)
	}
	return lists, nil
}

func checkRevoked(certificates []*x509.Certificate, lists []*x509.RevocationList) error {
	for _, certificate := range certificates {
		for _, list := range lists {
			if string(list.RawIssuer) != string(certificate.RawIssuer) {
				continue
			}
			for _, revoked := range list.RevokedCertificateEntries {
				if revoked.SerialNumber.Cmp(certificate.SerialNumber) == 0 {
					return errors.New("tls: the server's certificate was revoked (sslcrl)")
				}
			}
		}
	}
	return nil
}
