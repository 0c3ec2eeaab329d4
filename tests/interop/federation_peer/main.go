// go-spiffe as the other end of a federation: fetches bundles, and serves one of a trust domain of its own.
package main

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/spiffebundle"
	"github.com/spiffe/go-spiffe/v2/federation"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Println(string(must(json.Marshal(map[string]string{"error": err.Error()}))))
		os.Exit(1)
	}
	return value
}

// What is said of a bundle, on a line.
func show(bundle *spiffebundle.Bundle) {
	sequence, _ := bundle.SequenceNumber()
	hint, _ := bundle.RefreshHint()
	fmt.Println(string(must(json.Marshal(map[string]any{
		"trust_domain": bundle.TrustDomain().Name(), "sequence": sequence, "refresh_seconds": hint.Seconds(),
		"x509": len(bundle.X509Authorities()), "jwt": len(bundle.JWTAuthorities()),
	}))))
}

type watcher struct{ left int }

func (w *watcher) NextRefresh(hint time.Duration) time.Duration { return 200 * time.Millisecond }
func (w *watcher) OnUpdate(bundle *spiffebundle.Bundle) {
	show(bundle)
	w.left--
	if w.left == 0 {
		os.Exit(0)
	}
}
func (w *watcher) OnError(err error) { log.Println(err) }

// fetch spiffe URL DOMAIN ID BUNDLE, fetch web URL DOMAIN AUTHORITIES, watch URL DOMAIN ID BUNDLE COUNT
func fetch(arguments []string) {
	domain := must(spiffeid.TrustDomainFromString(arguments[2]))
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Second)
	defer cancel()
	if arguments[0] == "web" {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(must(os.ReadFile(arguments[3])))
		show(must(federation.FetchBundle(ctx, domain, arguments[1], federation.WithWebPKIRoots(pool))))
		return
	}
	id := must(spiffeid.FromString(arguments[3]))
	known := must(spiffebundle.Load(id.TrustDomain(), arguments[4]))
	option := federation.WithSPIFFEAuth(known, id)
	if arguments[0] == "spiffe" {
		show(must(federation.FetchBundle(ctx, domain, arguments[1], option)))
		return
	}
	must(0, federation.WatchBundle(ctx, domain, arguments[1], &watcher{left: 1}, option))
}

type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

func newKey() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

func newAuthority(domain spiffeid.TrustDomain, number int64) authority {
	key := newKey()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(number), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		URIs: []*url.URL{domain.ID().URL()},
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return authority{key, must(x509.ParseCertificate(der))}
}

func (a authority) issue(id spiffeid.ID) *x509svid.SVID {
	key := newKey()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, URIs: []*url.URL{id.URL()}, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der := must(x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key))
	return &x509svid.SVID{ID: id, Certificates: []*x509.Certificate{must(x509.ParseCertificate(der))}, PrivateKey: crypto.Signer(key)}
}

// serve DOMAIN FILE: prints its port, after it wrote the bundle to FILE. Lines on stdin: "rotate" adds an authority,
// "back" serves an older sequence, "empty" trusts nobody any more.
func serve(arguments []string) {
	domain := must(spiffeid.TrustDomainFromString(arguments[0]))
	first := newAuthority(domain, 1)
	bundle := spiffebundle.New(domain)
	bundle.AddX509Authority(first.certificate)
	must(0, bundle.AddJWTAuthority("first", newKey().Public()))
	bundle.SetSequenceNumber(5)
	bundle.SetRefreshHint(10 * time.Second)
	must(0, os.WriteFile(arguments[1], must(bundle.Marshal()), 0o600))
	svid := first.issue(must(spiffeid.FromPath(domain, "/bundle/server")))
	configuration := tlsconfig.TLSServerConfig(svid)
	configuration.MinVersion = tls.VersionTLS12
	listener := must(tls.Listen("tcp", "127.0.0.1:0", configuration))
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	go func() { log.Fatal(http.Serve(listener, must(federation.NewHandler(domain, bundle)))) }()
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		sequence, _ := bundle.SequenceNumber()
		switch lines.Text() {
		case "rotate":
			bundle.AddX509Authority(newAuthority(domain, 2).certificate)
			bundle.SetSequenceNumber(sequence + 1)
		case "back":
			bundle.SetSequenceNumber(1)
		case "empty":
			bundle.SetX509Authorities(nil)
			bundle.SetJWTAuthorities(nil)
			bundle.SetSequenceNumber(100)
		}
		fmt.Println("done")
	}
}

func main() {
	if len(os.Args) > 3 && os.Args[1] == "serve" {
		serve(os.Args[2:])
		return
	}
	fetch(os.Args[1:])
}
