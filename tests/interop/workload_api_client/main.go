// go-spiffe as a client of the Workload API, told by a test what to do:
//
//	workload_api_client ADDRESS svids | bundles | jwt AUDIENCE | validate TOKEN AUDIENCE | tls | follow
//
// It prints one JSON object; follow prints one for every update, until its standard input ends.
package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/jwtbundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"google.golang.org/grpc/status"
)

type said map[string]any

func print(what said) {
	text, _ := json.Marshal(what)
	fmt.Println(string(text))
}

func failure(err error) said {
	return said{"error": err.Error(), "code": status.Code(err).String()}
}

func ids(svids []*x509svid.SVID) []string {
	all := []string{}
	for _, svid := range svids {
		all = append(all, svid.ID.String())
	}
	return all
}

// Every SVID has to be valid against the bundle that came with it.
func verified(update *workloadapi.X509Context) error {
	for _, svid := range update.SVIDs {
		certificates := append([]*x509.Certificate{}, svid.Certificates...)
		if _, _, err := x509svid.Verify(certificates, update.Bundles); err != nil {
			return err
		}
	}
	return nil
}

func describe(update *workloadapi.X509Context) said {
	if err := verified(update); err != nil {
		return failure(err)
	}
	domains := []string{}
	for _, bundle := range update.Bundles.Bundles() {
		domains = append(domains, bundle.TrustDomain().Name())
	}
	return said{"ids": ids(update.SVIDs), "hint": update.SVIDs[0].Hint, "domains": domains,
		"serial": update.SVIDs[0].Certificates[0].SerialNumber.String()}
}

type follower struct{}

func (follower) OnX509ContextUpdate(update *workloadapi.X509Context) { print(describe(update)) }
func (follower) OnX509ContextWatchError(err error)                   { print(failure(err)) }

func bundles(ctx context.Context, client *workloadapi.Client) (said, error) {
	x509Bundles, err := client.FetchX509Bundles(ctx)
	if err != nil {
		return nil, err
	}
	jwtBundles, err := client.FetchJWTBundles(ctx)
	if err != nil {
		return nil, err
	}
	answer := said{"x509": map[string]int{}, "jwt": map[string]int{}}
	for _, bundle := range x509Bundles.Bundles() {
		answer["x509"].(map[string]int)[bundle.TrustDomain().Name()] = len(bundle.X509Authorities())
	}
	for _, bundle := range jwtBundles.Bundles() {
		answer["jwt"].(map[string]int)[bundle.TrustDomain().Name()] = len(bundle.JWTAuthorities())
	}
	return answer, nil
}

func jwt(ctx context.Context, client *workloadapi.Client, audience string) (said, error) {
	svid, err := client.FetchJWTSVID(ctx, jwtsvid.Params{Audience: audience})
	if err != nil {
		return nil, err
	}
	var set *jwtbundle.Set
	if set, err = client.FetchJWTBundles(ctx); err != nil {
		return nil, err
	}
	local, err := jwtsvid.ParseAndValidate(svid.Marshal(), set, []string{audience})
	if err != nil {
		return nil, err
	}
	remote, err := client.ValidateJWTSVID(ctx, svid.Marshal(), audience)
	if err != nil {
		return nil, err
	}
	return said{"id": svid.ID.String(), "local": local.ID.String(), "remote": remote.ID.String(),
		"hint": svid.Hint, "token": svid.Marshal()}, nil
}

// Mutual TLS with itself; then a client that expects somebody else.
func mutualTLS(ctx context.Context, address string) (said, error) {
	source, err := workloadapi.NewX509Source(ctx, workloadapi.WithClientOptions(workloadapi.WithAddr(address)))
	if err != nil {
		return nil, err
	}
	defer source.Close()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	mode := spiffetls.MTLSServerWithRawConfig(tlsconfig.AuthorizeAny(), source, source)
	listener, err := spiffetls.NewListenerWithMode(ctx, inner, mode)
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				io.Copy(connection, connection)
				connection.Close()
			}()
		}
	}()
	talk := func(expected string) error {
		authorizer := tlsconfig.AuthorizeID(spiffeid.RequireFromString(expected))
		connection, err := spiffetls.DialWithMode(ctx, "tcp", inner.Addr().String(),
			spiffetls.MTLSClientWithRawConfig(authorizer, source, source))
		if err != nil {
			return err
		}
		defer connection.Close()
		if _, err = connection.Write([]byte("hello")); err != nil {
			return err
		}
		_, err = io.ReadFull(connection, make([]byte, 5))
		return err
	}
	if err := talk("spiffe://example.org/worker"); err != nil {
		return nil, err
	}
	other := talk("spiffe://example.org/another")
	return said{"talked": true, "refused": other != nil}, nil
}

func run(ctx context.Context, arguments []string) (said, error) {
	address := arguments[0]
	client, err := workloadapi.New(ctx, workloadapi.WithAddr(address))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	switch arguments[1] {
	case "svids":
		update, err := client.FetchX509Context(ctx)
		if err != nil {
			return nil, err
		}
		return describe(update), nil
	case "bundles":
		return bundles(ctx, client)
	case "jwt":
		return jwt(ctx, client, arguments[2])
	case "validate":
		svid, err := client.ValidateJWTSVID(ctx, arguments[2], arguments[3])
		if err != nil {
			return nil, err
		}
		return said{"id": svid.ID.String()}, nil
	case "tls":
		return mutualTLS(ctx, address)
	}
	watching, stop := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	return said{"ended": fmt.Sprint(client.WatchX509Context(watching, follower{}))}, nil
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	answer, err := run(ctx, os.Args[1:])
	if err != nil {
		answer = failure(err)
	}
	print(answer)
}
