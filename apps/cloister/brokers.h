// The key services that each hold a share of an object's key: one wrapper for each --broker.
#pragma once

#include <memory>
#include <string>

#include "kms/service_wrapper.h"

namespace cloister::cli {

// A service that can't be reached, or refuses, says so at every use, and by the name it was given.
class BrokerKey final : public crypto::KeyWrapper {
 public:
  BrokerKey(std::string name, Result<std::unique_ptr<kms::ServiceWrapper>> opened)
      : name_(std::move(name)), opened_(std::move(opened)) {}

  // Why it is none; nothing where it answered.
  const Error* missing() const { return opened_.ok() ? nullptr : &opened_.error(); }

  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) override;
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override;
  Result<crypto::WrappedKey> rewrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override;
  std::string holder() const override { return "broker " + name_; }

 private:
  Error said(const Error& error) const { return error.with_context(holder()); }

  const std::string name_;
  const Result<std::unique_ptr<kms::ServiceWrapper>> opened_;
};

}  // namespace cloister::cli
