// An industry: which streams of records its customers make, and how they live. One file for each; what all customers
// have in common stands in customer.h, how histories become ordered records in generator.h.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/generator/customer.h"

namespace ebb {

// How a stream's records begin; what follows is the industry's business.
// {"record_id":"r00000001","subscriber":{"id":"c_7d19f2"},"start_ts":1767225600000,...
struct StreamForm {
  std::string_view name;
  std::string_view id_field;   // of the record
  char id_letter;              // the records of a stream are numbered behind it
  std::string_view key_begin;  // what stands before the customer's id, and after it
  std::string_view key_end;
  std::string_view time_field;
};

// Immutable after construction.
struct Industry {
  std::string_view name;
  std::vector<StreamForm> streams;
  std::unique_ptr<SimulatedCustomer> (*new_customer)(const CustomerSetting& setting);
};

extern const Industry kTelecom, kEcommerce, kBank, kSubscription;

const std::vector<const Industry*>& Industries();
// Null for an unknown name.
const Industry* FindIndustry(std::string_view name);
// "telecom.calls, telecom.recharges, ...": everything that `generate:` takes.
std::vector<std::string> GeneratedStreams();

}  // namespace ebb
