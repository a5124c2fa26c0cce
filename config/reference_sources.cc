// Reference sources: each of their fields has a register, and a name that expressions on customers read.
#include <fmt/format.h>

#include "config/assembler.h"

namespace ebb {

void Assembler::NameReferences() {
  for (size_t s = 0; s < drafts_.size(); ++s) {
    const SourceDraft& draft = *drafts_[s];
    ReferencePlan plan;
    plan.source = static_cast<int>(s);
    for (const auto& [name, field] : draft.names) {
      const std::string full = fmt::format("{}.{}", draft.name, name);
      if (!draft.reference) {
        event_fields_.insert(full);
        continue;
      }
      const SourceDraft::FieldInfo& info = draft.fields[field.index];
      Symbol symbol;
      symbol.type = field.type;
      symbol.reg = builder_.NewRegister();
      features_.try_emplace(full, symbol);
      plan.fields.push_back({name, field.index, info.type, info.decimals, symbol.reg});
    }
    out_.sources[s].schema.reference = draft.reference;
    if (draft.reference) plan_.references.push_back(std::move(plan));
  }
}

}  // namespace ebb
