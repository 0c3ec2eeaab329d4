// Messages of KMIP: one request in one batch item, and what its answer says. KMIP 1.4 section 7, KMIP 2.1 section 9.
#pragma once

#include <functional>
#include <string>

#include "kms/kmip/tags.h"

namespace cloister::kms::kmip {

struct ProtocolVersion {
  std::uint32_t major = 1, minor = 4;
  friend auto operator<=>(const ProtocolVersion&, const ProtocolVersion&) = default;
  std::string text() const;  // "1.4"
};

inline constexpr ProtocolVersion kVersion14{1, 4}, kVersion20{2, 0}, kVersion21{2, 1};

inline constexpr std::size_t kMessageMax = std::size_t{1} << 20;

std::string_view operation_name(Operation operation);  // "Encrypt"

using PayloadWriter = std::function<void(TtlvWriter&)>;
net::Buffer request_message(ProtocolVersion version, Operation operation, const PayloadWriter& payload);

// The one batch item of an answer. Moves, doesn't copy: its payload is a view of its bytes.
class Answer {
 public:
  // kCorrupt when it isn't a response message with one batch item, to that operation, which succeeded or failed.
  static Result<Answer> parse(net::Buffer bytes, Operation operation);
  Answer(Answer&&) = default;
  Answer& operator=(Answer&&) = default;
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

  bool success() const { return success_; }
  std::uint32_t reason() const { return reason_; }               // when it isn't a success; 0: none was given
  const std::string& message() const { return message_; }        // one plain line
  const std::string& request_id() const { return request_id_; }  // the server's correlation value; mostly empty
  // Null when there is none.
  const Item* payload() const;
  ByteView bytes() const { return bytes_; }

 private:
  Answer() = default;
  const Item* batch_item() const;

  net::Buffer bytes_;
  Item root_;
  bool success_ = false;
  std::uint32_t reason_ = 0;
  std::string message_;
  std::string request_id_;
};

// The result reasons that an answer can give. KMIP 1.4 table 9.1.3.2.29, KMIP 2.1 section 11.47.
struct Reason {
  std::uint32_t number;
  std::string_view name;  // "ItemNotFound"
  Code code;
};
// A reason nobody knows is an Unknown one, which is kDenied.
Reason reason_of(std::uint32_t number);
// Whether the same request may be answered otherwise a little later.
bool is_passing(std::uint32_t reason);

// What a server says, fit for a message of ours: one line, at most 200 characters.
std::string plain_text(ByteView text);

}  // namespace cloister::kms::kmip
