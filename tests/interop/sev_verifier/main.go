// What go-sev-guest says of SNP reports: sev_verifier FOLDER vcek|vlek TIME [REPORT], one line of JSON.
// With BENCH instead of a report: how many it verifies in a second.
package main

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-sev-guest/abi"
	pb "github.com/google/go-sev-guest/proto/sevsnp"
	"github.com/google/go-sev-guest/verify"
	"github.com/google/go-sev-guest/verify/trust"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func read(folder, name string) []byte {
	bytes, err := os.ReadFile(filepath.Join(folder, name))
	must(err)
	return bytes
}

// ASK, ARK, ASVK.
func chain(folder string) []*x509.Certificate {
	var all []*x509.Certificate
	for rest := read(folder, "ask_ark_asvk.pem"); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return all
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		must(err)
		all = append(all, certificate)
	}
}

func verifyOne(folder, kind string, report []byte, at time.Time) error {
	proto, err := abi.ReportToProto(report)
	if err != nil {
		return err
	}
	authorities, leaf := chain(folder), read(folder, "vek.der")
	certificates := &pb.CertificateChain{VcekCert: leaf, AskCert: authorities[0].Raw, ArkCert: authorities[1].Raw}
	if kind == "vlek" {
		certificates = &pb.CertificateChain{VlekCert: leaf, AskCert: authorities[2].Raw, ArkCert: authorities[1].Raw}
	}
	// Those it carries with it have no authority for providers.
	line := authorities[1].Subject.CommonName[len("ARK-"):]
	root := trust.AMDRootCertsProduct(line)
	root.ProductCerts = &trust.ProductCerts{Ask: authorities[0], Ark: authorities[1], Asvk: authorities[2]}
	options := verify.DefaultOptions()
	options.DisableCertFetching = true
	options.CheckRevocations = false
	options.Now = at
	options.TrustedRoots = map[string][]*trust.AMDRootCerts{line: {root}}
	return verify.SnpAttestation(&pb.Attestation{Report: proto, CertificateChain: certificates}, options)
}

func main() {
	folder, kind := os.Args[1], os.Args[2]
	at, err := time.Parse(time.RFC3339, os.Args[3])
	must(err)
	if len(os.Args) > 4 && os.Args[4] == "BENCH" {
		report, count, begun := read(folder, "report.bin"), 0, time.Now()
		for ; time.Since(begun) < 2*time.Second; count++ {
			must(verifyOne(folder, kind, report, at))
		}
		fmt.Println(float64(count) / time.Since(begun).Seconds())
		return
	}
	report := read(folder, "report.bin")
	if len(os.Args) > 4 {
		report = read("", os.Args[4])
	}
	problem := ""
	if err := verifyOne(folder, kind, report, at); err != nil {
		problem = err.Error()
	}
	must(json.NewEncoder(os.Stdout).Encode(map[string]any{"good": problem == "", "problem": problem}))
}
