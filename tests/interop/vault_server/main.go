// A transit server for tests: HashiCorp's own transit engine and AppRole and TLS-certificate login, which are Vault's
// code, behind a small HTTP front and a token table that are not. Over TLS, on the address given, in memory.
// Usage: vault_server ADDRESS CERTIFICATE KEY ROOT_TOKEN_FILE
package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/builtin/credential/cert"
	"github.com/hashicorp/vault/builtin/logical/transit"
	"github.com/hashicorp/vault/sdk/logical"
)

const defaultTTL = time.Hour

var factories = map[string]logical.Factory{
	"transit/":      transit.Factory,
	"auth/approle/": approle.Factory,
	"auth/cert/":    cert.Factory,
}

type mount struct {
	prefix  string
	backend logical.Backend
	storage logical.Storage
}

type token struct {
	ttl     time.Duration
	expires time.Time // zero: never
}

type server struct {
	mutex      sync.Mutex
	namespaces map[string][]mount
	tokens     map[string]token
}

func random() string {
	bytes := make([]byte, 16)
	if _, err := rand.Read(bytes); err != nil {
		log.Fatal(err)
	}
	return hex.EncodeToString(bytes)
}

func mountAll() ([]mount, error) {
	var mounts []mount
	for prefix, factory := range factories {
		storage := &logical.InmemStorage{}
		backend, err := factory(context.Background(), &logical.BackendConfig{
			StorageView: storage,
			Logger:      hclog.NewNullLogger(),
			System:      &logical.StaticSystemView{DefaultLeaseTTLVal: defaultTTL, MaxLeaseTTLVal: 24 * defaultTTL},
			BackendUUID: random(),
			Config:      map[string]string{},
		})
		if err != nil {
			return nil, err
		}
		if err = backend.Initialize(context.Background(), &logical.InitializationRequest{Storage: storage}); err != nil {
			return nil, err
		}
		mounts = append(mounts, mount{prefix, backend, storage})
	}
	return mounts, nil
}

// The mounts of a namespace; each is made when it is first asked for.
func (s *server) find(namespace, path string) (*mount, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.namespaces[namespace] == nil {
		mounts, err := mountAll()
		if err != nil {
			return nil, err
		}
		s.namespaces[namespace] = mounts
	}
	for i := range s.namespaces[namespace] {
		if strings.HasPrefix(path, s.namespaces[namespace][i].prefix) {
			return &s.namespaces[namespace][i], nil
		}
	}
	return nil, nil
}

func (s *server) known(name string) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	found, ok := s.tokens[name]
	return ok && (found.expires.IsZero() || time.Now().Before(found.expires))
}

func (s *server) token(name string) token {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.tokens[name]
}

func (s *server) issue(name string, ttl time.Duration) map[string]interface{} {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.tokens[name] = token{ttl, time.Now().Add(ttl)}
	return map[string]interface{}{"client_token": name, "lease_duration": int(ttl.Seconds()), "renewable": true}
}

// What Vault's core does itself: the token's own paths.
func (s *server) ownPath(writer http.ResponseWriter, path, name string) bool {
	switch path {
	case "auth/token/lookup-self":
		found := s.token(name)
		answer(writer, map[string]interface{}{"data": map[string]interface{}{
			"ttl": int(found.ttl.Seconds()), "renewable": found.ttl != 0}})
	case "auth/token/renew-self":
		answer(writer, map[string]interface{}{"auth": s.issue(name, s.token(name).ttl)})
	case "auth/token/revoke-self":
		s.mutex.Lock()
		delete(s.tokens, name)
		s.mutex.Unlock()
		writer.WriteHeader(http.StatusNoContent)
	default:
		return false
	}
	return true
}

func answer(writer http.ResponseWriter, body map[string]interface{}) {
	body["request_id"] = random()
	writer.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(writer).Encode(body); err != nil {
		log.Print(err)
	}
}

func operation(ctx context.Context, backend logical.Backend, request *logical.Request, httpRequest *http.Request) error {
	switch httpRequest.Method {
	case "LIST":
		request.Operation = logical.ListOperation
	case http.MethodGet:
		request.Operation = logical.ReadOperation
		if httpRequest.URL.Query().Get("list") == "true" {
			request.Operation = logical.ListOperation
		}
	case http.MethodDelete:
		request.Operation = logical.DeleteOperation
	case http.MethodPost, http.MethodPut:
		request.Operation = logical.UpdateOperation
		decoder := json.NewDecoder(http.MaxBytesReader(nil, httpRequest.Body, 1<<20))
		decoder.UseNumber()
		if err := decoder.Decode(&request.Data); err != nil && err.Error() != "EOF" {
			return err
		}
		checked, exists, err := backend.HandleExistenceCheck(ctx, request)
		if err == nil && checked && !exists {
			request.Operation = logical.CreateOperation
		}
	default:
		return logical.ErrUnsupportedOperation
	}
	return nil
}

func (s *server) ServeHTTP(writer http.ResponseWriter, httpRequest *http.Request) {
	path := strings.TrimPrefix(httpRequest.URL.Path, "/v1/")
	name := httpRequest.Header.Get("X-Vault-Token")
	login := strings.HasPrefix(path, "auth/") && strings.HasSuffix(path, "/login")
	if !login && !s.known(name) {
		logical.RespondError(writer, http.StatusForbidden, logical.ErrPermissionDenied)
		return
	}
	if s.ownPath(writer, path, name) {
		return
	}
	found, err := s.find(httpRequest.Header.Get("X-Vault-Namespace"), path)
	if err != nil || found == nil {
		logical.RespondError(writer, http.StatusNotFound, errors.New("no handler for route "+path))
		return
	}
	request := &logical.Request{
		ID: random(), Path: strings.TrimPrefix(path, found.prefix), MountPoint: found.prefix, Storage: found.storage,
		Connection: &logical.Connection{RemoteAddr: "127.0.0.1", ConnState: httpRequest.TLS},
	}
	if err = operation(httpRequest.Context(), found.backend, request, httpRequest); err != nil {
		logical.RespondError(writer, http.StatusBadRequest, err)
		return
	}
	response, err := found.backend.HandleRequest(httpRequest.Context(), request)
	if status, failure := logical.RespondErrorCommon(request, response, err); failure != nil || status != 0 {
		logical.RespondError(writer, status, failure)
		return
	}
	s.respond(writer, response)
}

func (s *server) respond(writer http.ResponseWriter, response *logical.Response) {
	if response == nil {
		writer.WriteHeader(http.StatusNoContent)
		return
	}
	body := map[string]interface{}{"data": response.Data, "warnings": response.Warnings}
	if response.Auth != nil {
		ttl := response.Auth.TTL
		if ttl == 0 {
			ttl = defaultTTL
		}
		body["auth"] = s.issue("hvs."+random(), ttl)
	}
	answer(writer, body)
}

func main() {
	if len(os.Args) != 5 {
		log.Fatal("usage: vault_server ADDRESS CERTIFICATE KEY ROOT_TOKEN_FILE")
	}
	root := "hvs." + random()
	if err := os.WriteFile(os.Args[4], []byte(root), 0o600); err != nil {
		log.Fatal(err)
	}
	handler := &server{namespaces: map[string][]mount{}, tokens: map[string]token{root: {}}}
	// The certificate engine judges what a client shows.
	server := &http.Server{Addr: os.Args[1], Handler: handler, ReadHeaderTimeout: time.Minute,
		TLSConfig: &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}}
	log.Fatal(server.ListenAndServeTLS(os.Args[2], os.Args[3]))
}
