package keeper

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"

	"pgaf/keeper/postgres"
)

// ensureCertificate makes the self-signed certificate of a node: where it is missing,
// and where it is that of another node, having come with a copy of its data.
func ensureCertificate(cfg *Config, pgdata string) error {
	certificate := filepath.Join(pgdata, "server.crt")
	if !cfg.SSL.Active || cfg.SSL.CertFile != certificate || !postgres.HasCluster(pgdata) {
		return nil
	}
	if foreign, err := selfSignedForAnother(certificate, cfg.Hostname); err != nil {
		return err
	} else if foreign {
		for _, file := range []string{certificate, cfg.SSL.KeyFile} {
			if err := removeFile(file); err != nil {
				return fmt.Errorf("replace the certificate of another node: %w", err)
			}
		}
	}
	if _, _, err := postgres.SelfSignedCertificate(pgdata, cfg.Hostname); err != nil {
		return fmt.Errorf("make the self-signed certificate: %w", err)
	}
	return nil
}

// selfSignedForAnother recognises a self-signed certificate for another host. A
// certificate that somebody else signed is the operator's and none of our business.
func selfSignedForAnother(file, hostname string) (bool, error) {
	content, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the certificate: %w", err)
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return false, nil
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return false, nil
	}
	selfSigned := certificate.Issuer.String() == certificate.Subject.String()
	return selfSigned && certificate.Subject.CommonName != hostname, nil
}
