// The first 8 bytes of the SHA-256 of primes that come with programs or standards, by that number.
#include "probe/tls/known_primes.h"

#include <algorithm>
#include <iterator>

#include "crypto/hash.h"

namespace cloister::probe {
namespace {

struct KnownPrime {
  std::uint64_t digest;
  std::string_view whose;
};
constexpr KnownPrime kPrimes[] = {
    // clang-format off
    {0x0a64b51e01fbccd8U, "ProFTPD"},
    {0x0b7835722cb61982U, "RFC 5114 2048 bits"},
    {0x0ce3987be0923295U, "LibTomCrypt"},
    {0x0ea9ef1fd4b42cffU, "ProFTPD"},
    {0x0eaf67db3a839156U, "ffdhe3072"},
    {0x1401ba0d70afd57fU, "ProFTPD"},
    {0x196085cb4281d1ffU, "weakdh.org"},
    {0x20ce5e9531472e23U, "Postfix"},
    {0x227ac9066b3ddd9eU, "ffdhe6144"},
    {0x22e8c3768c4947eeU, "LibTomCrypt"},
    {0x245ccb3bb7e5f8e4U, "Postfix"},
    {0x2b07d24b932aa7a0U, "weakdh.org"},
    {0x2f4370d98ffd18aaU, "ProFTPD"},
    {0x3166ce1918000532U, "openssl"},
    {0x3504275b93e5db8aU, "ProFTPD"},
    {0x3576d07c0658c023U, "ProFTPD"},
    {0x362b5d25eb8b949bU, "LibTomCrypt"},
    {0x39ab4feab950a312U, "RFC 3526 group 18"},
    {0x3b37d357836b4c0bU, "Postfix"},
    {0x3cdb020b9ef298b2U, "mod_ssl 2.0.x"},
    {0x3e21a641dbe236fdU, "ProFTPD"},
    {0x3f35a3f5f6c4376aU, "RFC 2409 group 2"},
    {0x406b95f336f4588fU, "ProFTPD"},
    {0x449ab49c277d21a6U, "Postfix"},
    {0x44c55cfee5c07592U, "RFC 5114 1024 bits"},
    {0x4648414224ac881bU, "ffdhe4096"},
    {0x46ff79361993e5e6U, "ProFTPD"},
    {0x486e235226a927b2U, "HAProxy"},
    {0x48cf8b092fbce435U, "RFC 3526 group 15"},
    {0x4e1f16b0a537becfU, "Postfix"},
    {0x4ee95187682bcb23U, "RFC 3526 group 16"},
    {0x52d4faa53003b834U, "weakdh.org"},
    {0x5de6d78891cd9a75U, "ProFTPD"},
    {0x5f856a00120eee6dU, "weakdh.org"},
    {0x6215d41bb617b390U, "SKIP"},
    {0x64fcc83ec403930bU, "RFC 3526 group 5"},
    {0x66d0bf38b0bdfacfU, "openssl"},
    {0x6ab0cedf512ead33U, "ProFTPD"},
    {0x6b79f7880e90204bU, "ProFTPD"},
    {0x6c863838510bab3eU, "Postfix"},
    {0x725541d91fe79bcfU, "SKIP"},
    {0x73b391ec8da33ee1U, "Java"},
    {0x74a5cce5b6a93eb7U, "weakdh.org"},
    {0x770b14efaf6f0499U, "ffdhe8192"},
    {0x7b6551ea6ff09bd7U, "HAProxy"},
    {0x7dafc874c19963c0U, "Postfix"},
    {0x80571b97f71f8972U, "weakdh.org"},
    {0x80b421f627228225U, "ProFTPD"},
    {0x8523c72057043833U, "weakdh.org"},
    {0x8ab7986eaa2c27ebU, "LibTomCrypt"},
    {0x8ae47dca3d24e9b6U, "nginx"},
    {0x8b4fa096eb2414e2U, "ProFTPD"},
    {0x8bf91c38e2a92b25U, "LibTomCrypt"},
    {0x984a91adb717c975U, "ProFTPD"},
    {0x9cd3b7f336872f46U, "ffdhe2048"},
    {0x9e348a9471b7d123U, "openssl"},
    {0x9f5e9f4e49f84999U, "ProFTPD"},
    {0xa2052ee3a461387eU, "ProFTPD"},
    {0xa5bdec8cf036e2abU, "ProFTPD"},
    {0xa642950d9c2cdc78U, "LibTomCrypt"},
    {0xa67f41cb161353e0U, "HAProxy"},
    {0xac0ff7a415f003c6U, "weakdh.org"},
    {0xac10fa3c5965ca36U, "Socat"},
    {0xad225f9367840e76U, "Postfix"},
    {0xadaf2d463f6f71d6U, "ProFTPD"},
    {0xb22223eba55eff07U, "Postfix"},
    {0xb36ac84e5fa8bd7aU, "Postfix"},
    {0xb52ba6a3026520a6U, "RFC 2409 group 1"},
    {0xb85e2291d1404593U, "Postfix"},
    {0xbc19c041491e550fU, "weakdh.org"},
    {0xbc66927384785251U, "Postfix"},
    {0xbd132a9c3bb1b0dbU, "ProFTPD"},
    {0xbd646809c4e2d255U, "Postfix"},
    {0xbf910d9df4e0b2e7U, "mod_ssl 2.2.x"},
    {0xbfa876fe4671a9c6U, "IronPort"},
    {0xbfe545862ca102adU, "RFC 5114 2048 bits"},
    {0xc43bb4fe47a64133U, "ProFTPD"},
    {0xcc21a33dd1a3edf4U, "Java"},
    {0xce7728db3aed1119U, "openssl"},
    {0xcf44c99b85dabeccU, "ProFTPD"},
    {0xcfb14315e90c3ce2U, "ProFTPD"},
    {0xd03fdc7fe0f0d300U, "Socat"},
    {0xd1bfe6d0925ce7e4U, "RFC 3526 group 17"},
    {0xd2ae65bfc24596c0U, "Postfix"},
    {0xd3d1fa2923c8dc2dU, "ProFTPD"},
    {0xd66436f79bbd6b2eU, "RFC 3526 group 14"},
    {0xd6dcdf1380fcf5d1U, "LibTomCrypt"},
    {0xd9f6f2a0adb3427cU, "LibTomCrypt"},
    {0xdb01e702899166daU, "mod_ssl 2.2.x"},
    {0xdeb671287187265aU, "weakdh.org"},
    {0xe2b343fa226b7109U, "Postfix"},
    {0xe7257339c7b3c36bU, "ProFTPD"},
    {0xeba4ea9cdaf56d1cU, "ProFTPD"},
    {0xee302f149664decfU, "Postfix"},
    {0xee5483fe4b96caa1U, "Java"},
    {0xef627d8cc44144f3U, "Postfix"},
    {0xf17daff1413023f2U, "ProFTPD"},
    {0xf26e2403f3f07946U, "openssl"},
    {0xf5b0f0db19c1ffb9U, "Postfix"},
    {0xf79d1db3c955a28fU, "mod_ssl 2.2.x"},
    {0xfb2de97ce408f3d2U, "ProFTPD"},
    // clang-format on
};

}  // namespace

std::string_view owner_of_prime(ByteView prime) {
  const crypto::Sha256Digest whole = crypto::sha256(prime);
  std::uint64_t digest = 0;
  for (std::size_t i = 0; i < sizeof digest; ++i) digest = digest << 8 | whole[i];
  const auto* const found = std::ranges::lower_bound(kPrimes, digest, {}, &KnownPrime::digest);
  return found != std::end(kPrimes) && found->digest == digest ? found->whose : std::string_view();
}

}  // namespace cloister::probe
