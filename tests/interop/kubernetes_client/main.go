// The API server's own code for KMS v2, its plugin client and its envelope transformer, told by a test what to do:
//
//	kubernetes_client SOCKET status | seal FILE TEXT | open FILE
//
// It prints one JSON object.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"k8s.io/apiserver/pkg/storage/value"
	"k8s.io/apiserver/pkg/storage/value/encrypt/envelope/kmsv2"
	kmstypes "k8s.io/apiserver/pkg/storage/value/encrypt/envelope/kmsv2/v2"
)

const (
	provider = "cloister"
	uid      = "31c2fd1a-7b0c-4c8f-9f3e-0123456789ab"
	server   = "apiserver-1"
	seeded   = kmstypes.EncryptedDEKSourceType_HKDF_SHA256_XNONCE_AES_GCM_SEED
)

var where = value.DefaultContext("/registry/secrets/default/one")

func run(ctx context.Context, arguments []string) (map[string]any, error) {
	service, err := kmsv2.NewGRPCService(ctx, "unix://"+arguments[0], provider, 5*time.Second)
	if err != nil {
		return nil, err
	}
	status, err := service.Status(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := kmsv2.ValidateKeyID(status.KeyID); err != nil {
		return nil, err
	}
	said := map[string]any{"version": status.Version, "healthz": status.Healthz, "key_id": status.KeyID}
	state := kmsv2.State{EncryptedObjectKeyID: status.KeyID, EncryptedObjectEncryptedDEKSourceType: seeded}
	envelope := kmsv2.NewEnvelopeTransformer(service, provider, func() (kmsv2.State, error) { return state, nil }, server)
	switch arguments[1] {
	case "seal":
		transformer, object, key, err := kmsv2.GenerateTransformer(ctx, uid, service, true)
		if err != nil {
			return nil, err
		}
		state = kmsv2.State{
			Transformer:                           transformer,
			EncryptedObjectKeyID:                  object.KeyID,
			EncryptedObjectEncryptedDEKSource:     object.EncryptedDEKSource,
			EncryptedObjectAnnotations:            object.Annotations,
			EncryptedObjectEncryptedDEKSourceType: object.EncryptedDEKSourceType,
			UID:                                   uid,
			ExpirationTimestamp:                   time.Now().Add(time.Minute),
			CacheKey:                              key,
		}
		sealed, err := envelope.TransformToStorage(ctx, []byte(arguments[3]), where)
		if err != nil {
			return nil, err
		}
		said["sealed_under"] = object.KeyID
		said["source_size"] = len(object.EncryptedDEKSource)
		return said, os.WriteFile(arguments[2], sealed, 0o600)
	case "open":
		sealed, err := os.ReadFile(arguments[2])
		if err != nil {
			return nil, err
		}
		text, stale, err := envelope.TransformFromStorage(ctx, sealed, where)
		if err != nil {
			return nil, err
		}
		said["text"] = string(text)
		said["stale"] = stale
	}
	return said, nil
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	said, err := run(ctx, os.Args[1:])
	if err != nil {
		said = map[string]any{"error": err.Error()}
	}
	text, _ := json.Marshal(said)
	fmt.Println(string(text))
}
