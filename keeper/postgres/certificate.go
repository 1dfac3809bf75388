package postgres

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"path/filepath"
	"time"
)

// certificateLife is long, because nobody verifies a self-signed certificate and nobody would renew it.
const certificateLife = 10 * 365 * 24 * time.Hour

// SelfSignedCertificate makes PGDATA/server.crt and server.key for hostname and returns their paths. Both are
// kept when the certificate is for that host, belongs to the key and is not about to expire; those that a
// base backup brought from another node are not.
func SelfSignedCertificate(pgdata, hostname string) (crt, key string, err error) {
	crt, key = filepath.Join(pgdata, "server.crt"), filepath.Join(pgdata, "server.key")
	if certificateFits(crt, key, hostname) {
		return crt, key, nil
	}
	certPEM, keyPEM, err := newCertificate(hostname, time.Now())
	if err == nil {
		_, err = replaceFile(key, keyPEM, 0o600)
	}
	if err == nil {
		_, err = replaceFile(crt, certPEM, 0o600)
	}
	if err != nil {
		return "", "", fmt.Errorf("make a self-signed certificate in %s: %w", pgdata, err)
	}
	return crt, key, nil
}

func newCertificate(hostname string, now time.Time) (certPEM, keyPEM []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: hostname},
		NotBefore:             now.Add(-time.Hour), // clocks of the peers may be behind
		NotAfter:              now.Add(certificateLife),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	if ip := net.ParseIP(hostname); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{hostname}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), nil
}

// certificateFits reports whether the files may stay.
func certificateFits(crt, key, hostname string) bool {
	pair, err := tls.LoadX509KeyPair(crt, key)
	if err != nil {
		return false
	}
	return pair.Leaf.VerifyHostname(hostname) == nil && time.Until(pair.Leaf.NotAfter) > 30*24*time.Hour
}
