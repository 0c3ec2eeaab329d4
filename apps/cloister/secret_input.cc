#include "secret_input.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <charconv>
#include <optional>

#include "crypto/plain_buffer.h"
#include "output.h"

namespace cloister::cli {
namespace {

constexpr std::size_t kSecretFileMax = 4096;
constexpr std::string_view kX25519Prefix = "cloister-identity-x25519:";
constexpr std::string_view kXWingPrefix = "cloister-identity-xwing:";

// This process isn't dumpable, so /proc/self/fd is closed to it unless it runs as root: such names are read from the
// descriptor they stand for.
std::optional<int> named_descriptor(const std::string& path) {
  if (path == "-" || path == "/dev/stdin") return STDIN_FILENO;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!path.starts_with(folder)) continue;
    int number = -1;
    const char* end = path.data() + path.size();
    const auto parsed = std::from_chars(path.data() + folder.size(), end, number);
    if (parsed.ec == std::errc() && parsed.ptr == end) return number;
  }
  return std::nullopt;
}

Result<File> open_secret_file(const Path& path) {
  if (const auto descriptor = named_descriptor(path.string())) {
    return File::from_descriptor(*descriptor, path, File::Owned::kNo);
  }
  CLOISTER_TRY(File file, File::open(path));
  struct stat info{};
  if (::fstat(file.descriptor(), &info) != 0) return error_from_errno(errno, "look at " + path.string());
  if (S_ISREG(info.st_mode) && (info.st_mode & 077) != 0) {
    return Error(Code::kDenied,
                 "read " + path.string() + ": others than its owner can read it: chmod 600 " + path.string());
  }
  return file;
}

class Terminal {
 public:
  static Result<Terminal> open() {
    const int descriptor = ::open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return Error(Code::kInvalid, "there is no terminal to ask for a passphrase: name a file");
    return Terminal(descriptor);
  }
  Terminal(Terminal&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)), before_(other.before_) {}
  Terminal& operator=(Terminal&&) = delete;
  ~Terminal() {
    if (descriptor_ < 0) return;
    ::tcsetattr(descriptor_, TCSAFLUSH, &before_);
    ::close(descriptor_);
  }

  void say(std::string_view text) const { ignore_result(::write(descriptor_, text.data(), text.size())); }

  Result<crypto::Secret> read_line(const Progress& progress) const {
    crypto::PlainBuffer buffer(kSecretFileMax);
    std::size_t size = 0;
    for (;;) {
      if (progress.stop_requested()) return Error(Code::kUnavailable, "ask for a passphrase: interrupted");
      pollfd waiting{descriptor_, POLLIN, 0};
      if (::poll(&waiting, 1, 100) <= 0) continue;
      std::uint8_t byte = 0;
      const ssize_t count = ::read(descriptor_, &byte, 1);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0 || byte == '\n') return crypto::Secret::copy_of(buffer.first(size));
      if (size == buffer.size()) return invalid("ask for a passphrase: it has more than 4096 bytes");
      buffer.bytes()[size++] = byte;
    }
  }

 private:
  explicit Terminal(int descriptor) : descriptor_(descriptor) {
    ::tcgetattr(descriptor_, &before_);
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(descriptor_, TCSAFLUSH, &quiet);
  }

  int descriptor_;
  termios before_{};
};

// The line that is no comment.
std::string_view only_line(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (!line.empty() && line.front() != '#') return line;
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return {};
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

Result<crypto::Secret> read_secret_file(const Path& path) {
  CLOISTER_TRY(const File file, open_secret_file(path));
  crypto::PlainBuffer buffer(kSecretFileMax + 2);
  CLOISTER_TRY(std::size_t size, file.read_some(buffer.bytes()));
  if (size > 0 && buffer.bytes()[size - 1] == '\n') --size;
  if (size > 0 && buffer.bytes()[size - 1] == '\r') --size;
  if (size > kSecretFileMax) return invalid("read " + path.string() + ": it has more than 4096 bytes");
  if (size == 0) return invalid("read " + path.string() + ": it is empty");
  return crypto::Secret::copy_of(buffer.first(size));
}

Result<crypto::Secret> ask_secret(const std::string& prompt, const Progress& progress) {
  CLOISTER_TRY(const Terminal terminal, Terminal::open());
  terminal.say(prompt + ": ");
  auto secret = terminal.read_line(progress);
  terminal.say("\n");
  return secret;
}

Result<crypto::Secret> ask_new_secret(const std::string& prompt, const Progress& progress) {
  CLOISTER_TRY(crypto::Secret first, ask_secret(prompt, progress));
  CLOISTER_TRY(const crypto::Secret second, ask_secret("the same again", progress));
  if (!crypto::equal_constant_time(first.expose(), second.expose())) {
    return invalid("the two passphrases aren't the same");
  }
  return first;
}

Status write_identity_file(const Path& path, const crypto::HpkePrivateKey& key) {
  const bool xwing = key.kem() == crypto::HpkeKem::kXWing;
  const std::string head =
      "# A Cloister private key. Who has this file can open what was sealed to its recipient:\n# " +
      key.public_key().text() + "\n" + std::string(xwing ? kXWingPrefix : kX25519Prefix);
  constexpr std::string_view digits = "0123456789abcdef";
  const ByteView seed = key.seed().secret().expose();
  crypto::Secret text(2 * seed.size() + 1);
  const MutableByteView out = text.expose_mutable();
  for (std::size_t i = 0; i < seed.size(); ++i) {
    out[2 * i] = static_cast<std::uint8_t>(digits[seed[i] >> 4]);
    out[2 * i + 1] = static_cast<std::uint8_t>(digits[seed[i] & 15]);
  }
  out[2 * seed.size()] = '\n';
  CLOISTER_TRY(auto replacement, FileReplacement::begin(path, Overwrite::kRefuse, 0600));
  CLOISTER_RETURN_IF_ERROR(replacement.file().write_all(as_bytes(head)));
  CLOISTER_RETURN_IF_ERROR(replacement.file().write_all(text.expose()));
  return replacement.commit();
}

Result<crypto::HpkePrivateKey> read_identity_file(const Path& path) {
  CLOISTER_TRY(const crypto::Secret content, read_secret_file(path));
  std::string_view line = only_line(as_text(content.expose()));
  const Error malformed = invalid("read " + path.string() + ": it isn't a Cloister identity file");
  crypto::HpkeKem kem = crypto::HpkeKem::kXWing;
  if (line.starts_with(kXWingPrefix)) {
    line.remove_prefix(kXWingPrefix.size());
  } else if (line.starts_with(kX25519Prefix)) {
    line.remove_prefix(kX25519Prefix.size());
    kem = crypto::HpkeKem::kX25519;
  } else {
    return malformed;
  }
  if (line.size() != 2 * crypto::kKeySize) return malformed;
  crypto::Secret seed(crypto::kKeySize);
  for (std::size_t i = 0; i < crypto::kKeySize; ++i) {
    const int high = hex_digit(line[2 * i]);
    const int low = hex_digit(line[2 * i + 1]);
    if (high < 0 || low < 0) return malformed;
    seed.expose_mutable()[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  CLOISTER_TRY(auto material, crypto::KeyMaterial::from_secret(std::move(seed)));
  return crypto::HpkePrivateKey::from_seed(kem, std::move(material));
}

Result<crypto::HpkePublicKey> parse_recipient(const std::string& text_or_path) {
  if (text_or_path.starts_with("cloister-recipient-")) return crypto::HpkePublicKey::parse_text(text_or_path);
  if (text_or_path.starts_with("cloister-identity-")) {
    return invalid("that is a private key: it doesn't belong on a command line, take it out of use");
  }
  CLOISTER_TRY(const Bytes content, read_file(text_or_path, 64 * 1024));
  return crypto::HpkePublicKey::parse_text(only_line(as_text(content))).with_context("read " + text_or_path);
}

}  // namespace cloister::cli
