// Verifies a TDX quote with go-tdx-guest: tdx_guest QUOTE COLLATERAL-FOLDER|- UNIX-SECONDS. Prints "ok" or the reason.
package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-tdx-guest/verify"
)

// Answers in place of Intel's service, from files; nothing leaves this machine.
type files struct{ folder string }

func (f files) read(name string) string {
	bytes, err := os.ReadFile(filepath.Join(f.folder, name))
	if err != nil {
		panic(err)
	}
	return string(bytes)
}

func (f files) Get(address string) (map[string][]string, []byte, error) {
	chain := func(header, name string) map[string][]string {
		return map[string][]string{header: {url.QueryEscape(f.read(name))}}
	}
	answer := func(member, name string) []byte {
		return []byte(`{"` + member + `":` + f.read(name+".json") + `,"signature":"` + strings.TrimSpace(f.read(name+".sig.hex")) + `"}`)
	}
	switch {
	case strings.Contains(address, "/pckcrl"):
		return chain("Sgx-Pck-Crl-Issuer-Chain", "pck_crl_issuer_chain.pem"), []byte(f.read("pck.crl.der")), nil
	case strings.Contains(address, "/tcb?"):
		return chain("Tcb-Info-Issuer-Chain", "tcb_info_issuer_chain.pem"), answer("tcbInfo", "tcb_info"), nil
	case strings.Contains(address, "/qe/identity"):
		return chain("Sgx-Enclave-Identity-Issuer-Chain", "qe_identity_issuer_chain.pem"), answer("enclaveIdentity", "qe_identity"), nil
	default:
		return nil, []byte(f.read("root_ca.crl.der")), nil
	}
}

func main() {
	if len(os.Args) != 4 {
		os.Exit(2)
	}
	quote, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	seconds, err := strconv.ParseInt(os.Args[3], 10, 64)
	if err != nil {
		panic(err)
	}
	options := verify.DefaultOptions()
	options.Now = time.Unix(seconds, 0)
	if os.Args[2] != "-" {
		options.CheckRevocations = true
		options.GetCollateral = true
		options.Getter = files{os.Args[2]}
	}
	if err := verify.RawTdxQuote(quote, options); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("ok")
}
