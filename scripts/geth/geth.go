//go:build tools

// Package node pins the chain node that the tests of several validators run: go.mod its version, go.sum its sums.
package node

import _ "github.com/ethereum/go-ethereum/cmd/geth"
