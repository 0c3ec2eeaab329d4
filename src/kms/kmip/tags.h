// Tags, operations and enumerations of KMIP that are used here: KMIP 1.4 section 9.1.3, KMIP 2.1 section 11.
#pragma once

#include "kms/kmip/ttlv.h"

namespace cloister::kms::kmip {

namespace tag {
inline constexpr Tag kActivationDate = 0x420001;
inline constexpr Tag kAttribute = 0x420008;
inline constexpr Tag kAttributeName = 0x42000A;
inline constexpr Tag kAttributeValue = 0x42000B;
inline constexpr Tag kBatchCount = 0x42000D;
inline constexpr Tag kBatchItem = 0x42000F;
inline constexpr Tag kBlockCipherMode = 0x420011;
inline constexpr Tag kCryptographicAlgorithm = 0x420028;
inline constexpr Tag kCryptographicLength = 0x42002A;
inline constexpr Tag kCryptographicParameters = 0x42002B;
inline constexpr Tag kCryptographicUsageMask = 0x42002C;
inline constexpr Tag kDeactivationDate = 0x42002F;
inline constexpr Tag kInitialDate = 0x420039;
inline constexpr Tag kIvCounterNonce = 0x42003D;
inline constexpr Tag kLink = 0x42004A;
inline constexpr Tag kLinkType = 0x42004B;
inline constexpr Tag kLinkedObjectIdentifier = 0x42004C;
inline constexpr Tag kMaximumItems = 0x42004F;
inline constexpr Tag kMaximumResponseSize = 0x420050;
inline constexpr Tag kName = 0x420053;
inline constexpr Tag kNameType = 0x420054;
inline constexpr Tag kNameValue = 0x420055;
inline constexpr Tag kObjectType = 0x420057;
inline constexpr Tag kOperation = 0x42005C;
inline constexpr Tag kProtocolVersion = 0x420069;
inline constexpr Tag kProtocolVersionMajor = 0x42006A;
inline constexpr Tag kProtocolVersionMinor = 0x42006B;
inline constexpr Tag kQueryFunction = 0x420074;
inline constexpr Tag kRequestHeader = 0x420077;
inline constexpr Tag kRequestMessage = 0x420078;
inline constexpr Tag kRequestPayload = 0x420079;
inline constexpr Tag kResponseHeader = 0x42007A;
inline constexpr Tag kResponseMessage = 0x42007B;
inline constexpr Tag kResponsePayload = 0x42007C;
inline constexpr Tag kResultMessage = 0x42007D;
inline constexpr Tag kResultReason = 0x42007E;
inline constexpr Tag kResultStatus = 0x42007F;
inline constexpr Tag kState = 0x42008D;
inline constexpr Tag kTimeStamp = 0x420092;
inline constexpr Tag kUniqueIdentifier = 0x420094;
inline constexpr Tag kVendorIdentification = 0x42009D;
inline constexpr Tag kData = 0x4200C2;
inline constexpr Tag kTagLength = 0x4200CE;
inline constexpr Tag kOffsetItems = 0x4200D4;
inline constexpr Tag kAuthenticatedEncryptionAdditionalData = 0x4200FE;
inline constexpr Tag kAuthenticatedEncryptionTag = 0x4200FF;
inline constexpr Tag kServerCorrelationValue = 0x420106;
inline constexpr Tag kExtractable = 0x420122;
inline constexpr Tag kAttributes = 0x420125;             // 2.0
inline constexpr Tag kProtectionStorageMask = 0x42015E;  // 2.0
inline constexpr Tag kRotateInterval = 0x42016A;         // 2.1, as what follows
inline constexpr Tag kRotateAutomatic = 0x42016B;
inline constexpr Tag kRotateDate = 0x42016D;
inline constexpr Tag kRotateGeneration = 0x42016E;
}  // namespace tag

enum class Operation : std::uint32_t {
  kLocate = 0x08,
  kGetAttributes = 0x0B,
  kActivate = 0x12,
  kQuery = 0x18,
  kDiscoverVersions = 0x1E,
  kEncrypt = 0x1F,
  kDecrypt = 0x20,
};

enum class State : std::uint32_t {
  kPreActive = 1,
  kActive = 2,
  kDeactivated = 3,
  kCompromised = 4,
  kDestroyed = 5,
  kDestroyedCompromised = 6,
};

inline constexpr std::uint32_t kSymmetricKey = 2;            // ObjectType
inline constexpr std::uint32_t kAes = 3;                     // CryptographicAlgorithm
inline constexpr std::uint32_t kQueryServerInformation = 3;  // QueryFunction
inline constexpr std::uint32_t kUninterpretedText = 1;       // NameType
inline constexpr std::uint32_t kReplacementObject = 0x106;   // LinkType
inline constexpr std::uint32_t kReplacedObject = 0x107;      // LinkType
inline constexpr std::uint32_t kModeGcm = 9;                 // BlockCipherMode
inline constexpr std::uint32_t kModeNistKeyWrap = 0x0D;      // BlockCipherMode: RFC 3394
inline constexpr std::uint32_t kStoredInSoftware = 1;        // ProtectionStorageMask
inline constexpr std::uint32_t kStoredInHardware = 2;        // ProtectionStorageMask

}  // namespace cloister::kms::kmip
