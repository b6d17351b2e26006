"""The W3C vectors' example contexts, beside the shipped ones."""

from did_service.core.credentials import contexts
from did_service.core.credentials.eddsa_rdfc_2022 import WithContexts
from did_service.core.integrity import eddsa_jcs_2022

VOCABULARY = "https://www.w3.org/ns/credentials/examples#"
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"

load = contexts.beside({EXAMPLES: {"@context": {"@vocab": VOCABULARY}}})
RDFC = WithContexts(load)
SUITES = {RDFC.NAME: RDFC, eddsa_jcs_2022.NAME: eddsa_jcs_2022}
