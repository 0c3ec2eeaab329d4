// Plain text of a report.
#include "posture_text.h"

#include "output.h"

namespace cloister::cli {
namespace {

constexpr std::size_t kBlockersShown = 5;
constexpr std::size_t kStepsShown = 5;
constexpr std::size_t kUnreadShown = 5;

std::string ten_thousandths(std::uint32_t value) {
  std::string digits = std::to_string(value % 10'000);
  digits.insert(0, 4 - digits.size(), '0');
  return std::to_string(value / 10'000) + "." + digits;
}

std::string blockers_text(const posture::DomainMaturity& domain) {
  std::string text;
  for (std::size_t i = 0; i < domain.blockers.size() && i < kBlockersShown; ++i) {
    const posture::Blocker& blocker = domain.blockers[i];
    text += "  " +
            (blocker.control.empty() ? "" : blocker.control + " " + std::string(name_of(blocker.status)) + ": ") +
            printable(blocker.reason) + "\n";
  }
  if (domain.blockers.size() > kBlockersShown) {
    text += "  and " + std::to_string(domain.blockers.size() - kBlockersShown) + " more\n";
  }
  return text;
}

}  // namespace

std::string posture_text(const posture::Posture& posture) {
  const posture::Maturity& maturity = posture.maturity;
  const posture::Coverage& coverage = posture.assessment.coverage;
  std::string text = "run " + posture.run + " of " + printable(posture.assessment.estate) + " at " +
                     to_rfc3339(posture.assessment.at) + "\n" + "overall: " + std::string(name_of(maturity.overall)) +
                     ", score " + ten_thousandths(maturity.score.lower) + " to " +
                     ten_thousandths(maturity.score.upper) + ", looked at " + std::to_string(coverage.assessed) +
                     " of " + std::to_string(coverage.known) + "\n\n";
  for (const posture::DomainMaturity& domain : maturity.domains) {
    text += std::string(title_of(domain.domain)) + ": " + std::string(name_of(domain.reached)) + "\n" +
            blockers_text(domain);
  }
  if (!maturity.next.empty()) text += "\nnext\n";
  for (std::size_t i = 0; i < maturity.next.size() && i < kStepsShown; ++i) {
    text += "  " + maturity.next[i].control + ": " + printable(maturity.next[i].what) + "\n";
  }
  if (!posture.unread.empty()) text += "\ncouldn't be looked at: " + std::to_string(posture.unread.size()) + "\n";
  for (std::size_t i = 0; i < posture.unread.size() && i < kUnreadShown; ++i) {
    text += "  " + printable(posture.unread[i]) + "\n";
  }
  return text;
}

}  // namespace cloister::cli
