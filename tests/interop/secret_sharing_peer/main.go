// HashiCorp Vault's secret sharing: "split KEY COUNT THRESHOLD" prints shares, "combine SHARE…" the key, in hexadecimal.
package main

import (
	"encoding/hex"
	"fmt"
	"os"
	"strconv"

	"github.com/hashicorp/vault/shamir"
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func main() {
	words := os.Args[1:]
	if len(words) == 4 && words[0] == "split" {
		key := must(hex.DecodeString(words[1]))
		for _, share := range must(shamir.Split(key, must(strconv.Atoi(words[2])), must(strconv.Atoi(words[3])))) {
			fmt.Println(hex.EncodeToString(share))
		}
		return
	}
	if len(words) < 2 || words[0] != "combine" {
		fmt.Fprintln(os.Stderr, "split KEY COUNT THRESHOLD, or combine SHARE...")
		os.Exit(2)
	}
	shares := [][]byte{}
	for _, word := range words[1:] {
		shares = append(shares, must(hex.DecodeString(word)))
	}
	fmt.Println(hex.EncodeToString(must(shamir.Combine(shares))))
}
