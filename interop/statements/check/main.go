// Command check verifies an envelope with libraries that we did not write: go-securesystemslib for DSSE and Ed25519,
// in-toto's attestation for the statement.
//
//	go run . [--threshold N] --key KEYID=HEX [--key KEYID=HEX …] < envelope.json
//
// It prints the keys that signed and the statement as JSON, and exits 1 for what is not verified.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"

	ita "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/secure-systems-lab/go-securesystemslib/signerverifier"
	"google.golang.org/protobuf/encoding/protojson"
)

const payloadType = "application/vnd.in-toto+json"

type list []string

func (l *list) String() string { return strings.Join(*l, " ") }

func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}

func main() {
	var keys list
	threshold := flag.Int("threshold", 1, "so many different keys must have signed")
	flag.Var(&keys, "key", "id and public key in hex")
	flag.Parse()
	if err := check(keys, *threshold); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(keys []string, threshold int) error {
	var envelope dsse.Envelope
	if err := json.NewDecoder(os.Stdin).Decode(&envelope); err != nil {
		return fmt.Errorf("envelope: %w", err)
	}
	var verifiers []dsse.Verifier
	for _, text := range keys {
		id, public, _ := strings.Cut(text, "=")
		verifier, err := signerverifier.NewED25519SignerVerifierFromSSLibKey(&signerverifier.SSLibKey{
			KeyID:   id,
			KeyType: signerverifier.ED25519KeyType,
			Scheme:  signerverifier.ED25519KeyType,
			KeyVal:  signerverifier.KeyVal{Public: public},
		})
		if err != nil {
			return fmt.Errorf("key: %w", err)
		}
		verifiers = append(verifiers, verifier)
	}
	verifier, err := dsse.NewMultiEnvelopeVerifier(threshold, verifiers...)
	if err != nil {
		return fmt.Errorf("verifier: %w", err)
	}
	accepted, payload, err := verifier.VerifyAndDecode(context.Background(), &envelope)
	if err != nil {
		return fmt.Errorf("signatures: %w", err)
	}
	if envelope.PayloadType != payloadType {
		return fmt.Errorf("payload type %q", envelope.PayloadType)
	}
	var statement ita.Statement
	if err := protojson.Unmarshal(payload, &statement); err != nil {
		return fmt.Errorf("statement: %w", err)
	}
	if err := statement.Validate(); err != nil {
		return fmt.Errorf("statement: %w", err)
	}
	signed := []string{}
	for _, key := range accepted {
		signed = append(signed, key.KeyID)
	}
	read, err := protojson.Marshal(&statement)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"signed": signed, "statement": json.RawMessage(read)})
}
