module cloister/interop/secret_sharing_peer

go 1.25.3

require github.com/hashicorp/vault v1.21.4
