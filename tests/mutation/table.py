"""The closed table of defences that `make mutants` takes out, by what they protect.

Every row names the attack's own test, not one that happens to break. A defence worth a row is
one whose absence would let something false pass, or something sound be refused.
"""

from tests.mutation.mutant import Mutant

CORE = "did_service/core"
VERIFICATION, CREDENTIALS = f"{CORE}/verification", f"{CORE}/credentials"
EVIDENCE = f"{CORE}/evidence"


def _row(name: str, file: str, tests: str, *edits: str) -> Mutant:
    """A row: `tests` is one file and the names in it; edits are defence, replacement, …"""
    path, *names = tests.split()
    pairs = tuple(zip(edits[::2], edits[1::2], strict=True))
    return Mutant(name, file, pairs, tuple(f"tests/{path}::{each}" for each in names))


OLD_EVIDENCE = (
    _row(
        "only the newest list is read",
        f"{VERIFICATION}/steps/status.py",
        "attacks/test_old_evidence.py test_older_list_revokes_beside_a_newer_that_clears",
        "tried = chain[:MAX_LISTS_TRIED]",
        "tried = chain[:1]",
    ),
    _row(
        "a list's signer may be any former state of its keeper",
        f"{VERIFICATION}/did_states.py",
        "attacks/test_old_evidence.py"
        " test_list_signed_by_a_retired_key_beside_the_state_that_listed_it",
        'context.evidence.latest("did", scid or "", home)',
        '(context.evidence.chain("did", scid or "", home) or (None,))[-1]',
        "    return read_state(latest, context.use(latest), context.verified.records)\n",
        "    return read_state(latest, latest.read_against(), context.verified.records)\n",
    ),
    _row(
        "a keeper's record need not be the latest",
        f"{VERIFICATION}/did_states.py",
        "attacks/test_old_evidence.py test_new_key_of_the_custodian_kept_back",
        'latest = None if home is None else context.evidence.latest("did", scid or "", home)',
        'latest = None if home is None else context.evidence.newest("did", scid or "", home)',
        "    return read_state(latest, context.use(latest), context.verified.records)\n",
        "    return read_state(latest, latest.read_against(), context.verified.records)\n",
    ),
    _row(
        "any statement registers a list",
        f"{VERIFICATION}/list_keepers.py",
        "attacks/test_old_evidence.py"
        " test_withdrawn_list_address_registered_by_an_old_statement",
        "return [each.proven for each in naming if isinstance(each.proven, Latest)]",
        "return [each.proven for each in naming]",
        "if isinstance(each.proven, Latest) and same_subject(keeper, signer)",
        "if same_subject(keeper, signer)",
        "freshest = max(allowing, key=lambda each: each.as_of)\n    context.use(freshest)",
        "freshest = max(allowing, key=lambda each: each.rank)",
    ),
    _row(
        "a presenter's service item loosens the tier",
        "did_service/core/verification/tier.py",
        "attacks/test_old_evidence.py test_old_service_item_in_the_staple",
        'mine = kept.newest("schema", item, home)',
        'mine = evidence.newest("schema", item, home)',
        "fresh = isinstance(mine, Latest) and age_seconds(mine.as_of, now) <="
        " policy.tiers[DEFAULT]",
        "fresh = mine is not None",
    ),
    _row(
        "a presenter's service item is kept for the next visit",
        "did_service/verifier/keeping.py",
        "attacks/test_old_evidence.py test_newer_service_item_left_behind_at_an_earlier_visit",
        "each.source != STAPLE or not is_service_item(each)",
        "each.source",
    ),
    _row(
        "a batch in anybody's stream shows when something was issued",
        f"{EVIDENCE}/proven_set.py",
        "attacks/test_old_evidence.py test_batch_in_the_stream_of_another_agency",
        "for each in known if did_id(each.owner) == did_id(issuer))",
        "for each in known if did_id(issuer))",
    ),
    _row(
        "a suspension entry will do where the type demands revocation",
        f"{VERIFICATION}/steps/status.py",
        "attacks/test_old_evidence.py test_suspension_entry_where_the_type_demands_revocation",
        "if not any(map(_may_revoke, members)):",
        "if not members:",
    ),
    _row(
        "a signature holds under a state that may be outdated",
        f"{VERIFICATION}/steps/proof.py",
        "attacks/test_old_evidence.py test_good_signature_by_a_key_that_may_be_listed_no_more",
        "if found.signer is not None and issuer.may_be_outdated:",
        "if found.signer is None and issuer.may_be_outdated:",
    ),
)

VERDICT = (
    _row(
        "a statement before another need not be linked to it",
        f"{EVIDENCE}/proven.py",
        "attacks/test_left_out.py test_earlier_statement_left_out"
        " test_extension_of_a_grant_left_out test_state_between_two_left_out",
        "if successor.as_received.entry.previous != self.leaf:",
        "if successor.number <= self.number:",
    ),
    _row(
        "a missing statement refuses though it may have been left out",
        f"{VERIFICATION}/steps/authority.py",
        "attacks/test_verdict_evidence.py test_bundle_omits_the_granting_statement",
        "        if not self.context.covers_dating(complete):\n",
        "        if False:\n",
    ),
    _row(
        "a grant counts from before its own entry",
        f"{VERIFICATION}/steps/authority.py",
        "attacks/test_grants_in_time.py test_grant_reaches_back_behind_its_own_entry",
        "return max(begins, first.proven.at)",
        "return begins",
    ),
    _row(
        "whoever presents need not be the subject",
        f"{VERIFICATION}/steps/holder.py",
        "attacks/test_verdict_holder.py test_borrowed_credential test_two_persons_one_response",
        "if not subjects == signers == {finding.signer}:",
        "if not signers:",
    ),
    _row(
        "an answer to another counter will do",
        f"{VERIFICATION}/steps/holder.py",
        "attacks/test_verdict_holder.py test_replay_other_counter",
        "domain=request.audience if request.nonce is not None else None,",
        "domain=None,",
    ),
    _row(
        "a context may be added after signing",
        f"{VERIFICATION}/steps/proof.py",
        "attacks/test_verdict_issuer.py test_context_added_after_signing",
        "if found.signer is not None and not _are_contexts_signed(credential.raw, findings):",
        "if found.signer is None and not _are_contexts_signed(credential.raw, findings):",
    ),
    _row(
        "a proof that does not verify refuses, whoever added it",
        f"{VERIFICATION}/signatures.py",
        "attacks/test_third_answer.py test_proof_added_by_a_stranger"
        " test_proof_added_in_the_issuers_name",
        "    if any(each.verified for each in own):\n",
        "    if own and all(each.verified for each in findings):\n",
    ),
    _row(
        "two trees of one size are no fork",
        f"{EVIDENCE}/proofs.py",
        "attacks/test_verdict_evidence.py test_two_roots_one_size_at_the_counter",
        "if len(others | roots.keys()) > 1:",
        "if len(others) > 1:",
    ),
    _row(
        "heads may say a later time than their own entry",
        f"{EVIDENCE}/proofs.py",
        "attacks/test_lying_logs.py test_heads_that_say_a_later_time_than_their_own",
        "if heads.at != item.entry.at or (",
        "if heads.at < 0 or (",
    ),
    _row(
        "a policy in evidence need not be signed",
        f"{EVIDENCE}/policy_succession.py",
        "attacks/test_lying_logs.py test_unsigned_policies_are_not_kept",
        "            if _concerns(held, policy):\n",
        "            if _concerns(held, policy) or policy.sequence:\n",
    ),
)

SPELLING = (
    _row(
        "statements under a proof may be spelled in any way",
        f"{CREDENTIALS}/eddsa_rdfc_2022.py",
        "attacks/test_spelling.py test_claim_spelled_past_its_schema"
        " test_member_that_nobody_signed",
        """    except UnsupportedError:
        spelling.check(document)
        return list(""",
        """    except UnsupportedError:
        return list(""",
        """    if not statements.is_plain:
        spelling.check(document)
    return""",
        "    return",
    ),
    _row(
        "another context may rename members",
        f"{CREDENTIALS}/spelling.py",
        "attacks/test_spelling.py test_expiry_of_a_presentation_renamed"
        " test_credential_hidden_in_its_presentation",
        """    if context not in ([*OF_OURS[:1]], [*OF_OURS]):
        refuse("another context could rename members")
    reader = _SpellingReader(len(context), load)
    reader.document(document)
    reader.check_links()
""",
        """    if context not in ([*OF_OURS[:1]], [*OF_OURS]):
        return
    reader = _SpellingReader(len(context), load)
    reader.document(document)
    reader.check_links()
""",
    ),
    _row(
        "readers see the order that a holder chose",
        f"{CREDENTIALS}/model.py",
        "attacks/test_spelling.py test_order_of_a_set_decides_nothing",
        "        raw = stated.in_order(raw)\n",
        "",
    ),
    _row(
        "a digest of a resource is not compared",
        f"{CREDENTIALS}/related_resources.py",
        "attacks/test_spelling.py test_digest_of_another_resource",
        "if _digest(url, algorithm, at_hand) not in digests:",
        "if not digests:",
    ),
    _row(
        "JSON-LD is worked on whatever it costs",
        f"{CREDENTIALS}/stated.py",
        "attacks/test_spelling.py test_json_ld_work_that_nobody_signed_is_bounded",
        "    return types + over * values + (len(proofs) - over) * values //",
        "    return 0 and",
    ),
)

CLOCKS = (
    _row(
        "an own decision of before refuses for good",
        f"{VERIFICATION}/present.py",
        "attacks/test_clocks.py test_clock_ahead_for_one_check_expires_nobody",
        "return Certainty.YES if second < self.proven else Certainty.UNSURE",
        "return Certainty.YES",
    ),
    _row(
        "a clock that stands behind refuses",
        f"{VERIFICATION}/present.py",
        "attacks/test_clocks.py test_dead_battery_calls_no_new_credential_early",
        "agreed = second > self.latest + MAX_BEGINNING_AHEAD_SECONDS and not self.behind",
        "agreed = True",
    ),
    _row(
        "what a quorum has witnessed is no floor",
        f"{VERIFICATION}/present.py",
        "attacks/test_verdict_evidence.py test_clock_set_back",
        "earliest = effective_now(now, max(witnessed or 0, remembered))",
        "earliest = now",
    ),
    _row(
        "a wrong clock's time is remembered",
        "did_service/verifier/remembering.py",
        "attacks/test_clocks.py test_no_sequence_of_wrong_clocks_refuses_a_sound_credential"
        " test_one_check_with_a_wrong_clock_refuses_nobody_later"
        " test_question_asked_before_the_clock_was_wrong_can_still_be_answered",
        "or lasting is None or question.now > lasting:",
        "or lasting is None:",
    ),
)

SCHEMAS = (
    _row(
        "a schema may lead back to itself",
        f"{CORE}/encoding/json_schema.py",
        "attacks/test_schemas.py test_logged_schema_without_bounds",
        """        if part in self._open:
            raise UnsupportedError("schema_unsupported", "a reference leads back to itself")
""",
        """        if part in self._open:
            return 1, 1
""",
    ),
    _row(
        "a schema may fan out without bound",
        f"{CORE}/encoding/json_schema.py",
        "attacks/test_schemas.py test_logged_schema_without_bounds",
        "if width > MAX_SCHEMA_WIDTH or height > MAX_SCHEMA_CHAIN:",
        "if height > MAX_SCHEMA_CHAIN:",
    ),
    _row(
        "a log takes schemas that no counter runs",
        f"{CORE}/anchor/rules/schema.py",
        "attacks/test_schemas.py test_logged_schema_without_bounds",
        "        json_schema.bounded(value)\n",
        "        pass\n",
    ),
    _row(
        "a schema of the issuer's choosing says what its type demands",
        f"{VERIFICATION}/steps/schema.py",
        "attacks/test_hidden_terms.py test_schema_of_the_issuers_own_choosing",
        "terms = _terms(schema) if _speaks_for(context, identifier, schema) else {}",
        "terms = _terms(schema)",
    ),
)

POLICY_AND_LOGS = (
    _row(
        "a policy's identity covers its signatures",
        f"{CORE}/anchor/bodies/policy.py",
        "attacks/test_policy_proofs.py test_policy_with_other_proofs_is_no_second_policy"
        " test_policy_with_other_proofs_at_the_counter",
        "return sha256(jcs.encode(self.document))",
        "return sha256(jcs.encode(self.members))",
    ),
    _row(
        "a log takes a policy with whatever proofs",
        f"{CORE}/anchor/rules/policy.py",
        "attacks/test_policy_proofs.py test_strangers_words_in_a_policy_entry",
        "if jcs.encode(entry.body) != jcs.encode(logged_form(offered, held).encode()):",
        "if not entry.body:",
    ),
    _row(
        "a removed issuer clears its own list",
        f"{CORE}/anchor/list_keepers.py",
        "attacks/test_anchor.py test_removed_issuer_clears_revocation",
        "has_ended = any(end <= logged_at for end in ends)",
        "has_ended = False",
    ),
    _row(
        "anybody's stream takes anybody's batch",
        f"{CORE}/anchor/rules/streams.py",
        "attacks/test_anchor.py test_stream_squatting",
        "if entry.subject != stream_id(body.owner, body.kind):",
        "if not entry.subject:",
    ),
    _row(
        "a grant may reach back",
        f"{CORE}/anchor/rules/authority.py",
        "attacks/test_anchor.py test_retroactive_grant",
        "if new.valid_from < at - MAX_SUBMISSION_SECONDS:",
        "if new.valid_from < 0:",
    ),
    _row(
        "a grant may be wider than its granter's",
        f"{CORE}/anchor/rules/authority.py",
        "attacks/test_anchor.py test_grant_wider_than_granter",
        '    if new.state == "active":\n        grants.check_enclosed(new)\n',
        "",
    ),
    _row(
        "a key need not have been committed to",
        f"{CORE}/did/webvh/state.py",
        "attacks/test_did.py test_thief_of_a_current_key_rotates_to_his_own",
        "if next_key_hash(key) not in before.parameters.next_key_hashes:",
        "if not key:",
    ),
)

COUNTER_WALLET_ISSUER = (
    _row(
        "a link in the trust directory is followed",
        "did_service/program/files.py",
        "attacks/test_trust_directory.py test_link_in_the_trust_directory_is_not_followed",
        "return _read(path, max_bytes, os.O_RDONLY | os.O_NOFOLLOW | _NO_WAIT)",
        "return _read(path, max_bytes, os.O_RDONLY | _NO_WAIT)",
    ),
    _row(
        "a stranger's evidence stays in the trust directory",
        "did_service/verifier/keeping.py",
        "attacks/test_trust_directory.py test_true_evidence_of_strangers_is_not_kept"
        " test_unsigned_credential_leaves_nothing_behind",
        "if _subject(each) in wanted\n",
        "if _subject(each)\n",
    ),
    _row(
        "a caller's own code stands in for a question of the directory",
        "did_service/verifier/decide.py",
        "verifier/test_decide.py"
        " test_no_code_of_the_callers_stands_in_for_one_that_was_given_out",
        "return question.request._replace(nonce=None, audience=None)",
        "return question.request",
    ),
    _row(
        "what a row says counts for any policy",
        "did_service/verifier/quorums.py",
        "verifier/test_quorums.py test_another_policy_and_newer_rules_count_anew",
        "== (basis,)",
        "is not None",
    ),
    _row(
        "an import undoes what another window changed meanwhile",
        "did_service/verifier/importing.py",
        "verifier/test_portions.py test_what_another_window_changes_meanwhile_is_not_undone",
        "if self.directory.version == version and self._keep",
        "if self._keep",
    ),
    _row(
        "heads entries stay in the portion where they stand",
        "did_service/core/evidence/bundle.py",
        "verifier/test_portions.py test_the_order_and_the_spelling_of_the_lines_do_not_matter",
        'not in line and b"\\\\" not in line:',
        "not in line:",
    ),
    _row(
        "the item of a question is not read from a large directory",
        "did_service/verifier/held.py",
        "verifier/test_decide.py test_the_item_of_the_question_binds_though_nobody_names_it",
        "directory.evidence(wanted, also)",
        "directory.evidence(wanted)",
    ),
    _row(
        "a question can be answered twice",
        "did_service/verifier/remembering.py",
        "attacks/test_verifier.py test_replay_same_counter test_nonce_race",
        "        after = _spend(question, after, answer)\n",
        "        pass\n",
    ),
    _row(
        "a bundle unpacks without end",
        f"{EVIDENCE}/bundle.py",
        "core/evidence/test_evidence.py"
        " test_bundle_is_bounded_by_line_and_as_a_whole_before_it_is_read",
        "        size += len(line)\n",
        "        size = len(line)\n",
    ),
    _row(
        "an older record is taken for the newest",
        "wallet_cli/record.py",
        "attacks/test_wallet.py test_record_rolled_back",
        '"version": self.version,',
        '"version": 1,',
    ),
    _row(
        "a record may be dropped from a wallet",
        "wallet_cli/vault.py",
        "attacks/test_wallet.py test_record_dropped",
        "            self._check_named(versions.names())\n",
        "            versions.names()\n",
    ),
    _row(
        "one officer accepts and approves",
        "did_service/issuer/applications.py",
        "attacks/test_office.py test_one_officer_two_roles",
        "if row.accepted_by == officer:",
        "if officer is None:",
    ),
    _row(
        "a row that was changed un-revokes",
        "did_service/issuer/status.py",
        "attacks/test_issuer_damage.py test_changed_row_un_revokes",
        "        for index in lost:\n",
        "        for index in lost[:0]:\n",
    ),
    _row(
        "whoever has the key of a list un-revokes",
        f"{CORE}/anchor/rules/streams.py",
        "attacks/test_anchor.py test_stolen_key_clears_a_revocation",
        "    check_kept(entry, former, world)\n",
        "    check_kept(entry, None, world)\n",
    ),
    _row(
        "a restored issuer suspends whom it had reinstated",
        "did_service/issuer/credential_store.py",
        "attacks/test_issuer_damage.py test_restored_issuer_suspends_again",
        "is_lifted = about is CredentialState.SUSPENDED and held is about",
        "is_lifted = False",
    ),
    _row(
        "a restored issuer issues a second time",
        "did_service/issuer/evidence.py",
        "attacks/test_issuer_damage.py test_restored_issuer_issues_twice",
        'if self._ledger.has_batch(entry.digest or b""):',
        "if entry is not None:",
    ),
    _row(
        "an agency without authority issues",
        "did_service/issuer/standing.py",
        "attacks/test_issuer_damage.py test_agency_without_authority_issues",
        "if self._alarms.is_open(AlarmWord.AUTHORITY_ENDED):",
        "if self._alarms.is_open(AlarmWord.REVOCATION_LOST):",
    ),
    _row(
        "the database decides who gets the credential",
        "did_service/issuer/holder_request.py",
        "attacks/test_issuer_damage.py test_holder_replaced_in_the_database",
        "(request.item, request.holder, request.claims) != said or own_code",
        "own_code",
    ),
    _row(
        "an agency works on another's database",
        "did_service/issuer/store.py",
        "attacks/test_issuer_damage.py test_database_of_another_agency",
        "if owner != own:",
        "if not owner:",
    ),
    _row(
        "two processes give one index to two",
        "did_service/issuer/credential_store.py",
        "services/test_two_issuers.py"
        " test_an_index_that_is_revoked_while_it_is_drawn_is_given_to_nobody",
        '            _check_free(connection, ORPHANED, credential["index"])\n',
        "",
    ),
    _row(
        "an answer that comes late moves a list back",
        "did_service/issuer/ledger.py",
        "services/test_two_issuers.py"
        " test_an_answer_that_comes_late_leaves_the_newer_list_in_place",
        "return (str(held.log), number) < (log, placed.entry.number)",
        "return number is not None",
    ),
    _row(
        "room for an application is looked for before it is stored alone",
        "did_service/issuer/store.py",
        "services/test_two_issuers.py test_no_more_applications_wait_than_may",
        "if connection.execute(_OPEN).scalar_one() >= most:",
        "if most < 0:",
    ),
    _row(
        "a machine whose clock is ahead forgets what was used",
        "did_service/issuer/challenges.py",
        "services/test_two_issuers.py"
        " test_a_clock_that_is_ahead_forgets_no_challenge_that_was_used",
        "UsedChallenge(challenge, expires, now - MAX_CLOCK_AHEAD_SECONDS)",
        "UsedChallenge(challenge, expires, now)",
    ),
)

WALLET = (
    _row(
        "an answer that is no delivery is kept",
        "wallet_cli/receiving.py",
        "wallet/test_strange_issuers.py test_a_delivery_that_is_none_is_not_taken_in",
        "        check_delivery(answer)\n",
        "",
    ),
    _row(
        "a file that nothing proves is a credential",
        "wallet_cli/receiving.py",
        "attacks/test_wallet_deliveries.py test_file_that_nothing_proves",
        "if not (was_asked_for or is_signature_proven(received.report)):",
        "if received is None:",
    ),
    _row(
        "a credential may be about two persons",
        "wallet_cli/deliveries.py",
        "attacks/test_wallet_deliveries.py test_file_about_two_persons",
        "if len(subjects) > 1:",
        "if not subjects:",
    ),
    _row(
        "a refresh writes over what came meanwhile",
        "wallet_cli/commands/refresh.py",
        "wallet/test_racing.py test_two_refreshes_at_once_never_bring_older_evidence_back",
        "collected.merged(newest, policy)",
        "collected.into(newest)",
    ),
    _row(
        "a refresh brings a deleted credential back",
        "wallet_cli/commands/refresh.py",
        "wallet/test_racing.py"
        " test_a_refresh_brings_no_deleted_credential_back_and_touches_no_other",
        "            if newest is None:  # it was deleted meanwhile: nothing brings it back\n"
        "                return vault\n",
        "            newest = newest or held\n",
    ),
    _row(
        "a staple is given away for less, with a word",
        "wallet_cli/staples.py",
        "wallet/test_one_trust.py test_what_proves_less_takes_the_place_of_no_staple",
        "        if not self.proves_no_less(held):\n            return held\n",
        "",
    ),
    _row(
        "a staple is given away for less, without a word",
        "wallet_cli/commands/refresh.py",
        "wallet/test_one_trust.py test_no_refresh_gives_a_staple_away_for_a_second_history",
        "not collected.proves_no_less(held)",
        "not held",
    ),
    _row(
        "a copied file is the answer to a question",
        "did_service/verifier/challenges.py",
        "attacks/test_verifier.py test_copied_file_is_never_accepted",
        "    nonce = found[0] if found else NO_QUESTION\n",
        "    nonce = found[0] if found else None\n",
    ),
    _row(
        "a delivery that falls over ends the run",
        "wallet_cli/commands/receive.py",
        "wallet/test_racing.py test_one_delivery_that_falls_over_keeps_no_other_from_arriving",
        "except Exception as error:  # noqa: BLE001 - a fault of ours at one delivery is told",
        "except ValueError as error:",
    ),
    _row(
        "a host that answers nothing is asked again",
        "wallet_cli/sources.py",
        "attacks/test_wallet_deliveries.py test_places_that_never_answer_are_asked_once",
        "if host in self.silent:",
        "if not host:",
    ),
    _row(
        "a collection may ask for ever",
        "wallet_cli/sources.py",
        "attacks/test_wallet_deliveries.py test_delivery_that_names_places_without_end",
        "        self.left -= 1\n",
        "",
    ),
    _row(
        "personal data go to a host that nobody named",
        "wallet_cli/addressees.py",
        "wallet/test_applying.py"
        " test_without_a_policy_nothing_is_sent_but_to_a_host_that_was_named",
        "if unlisted is not None and unlisted.lower() == host:",
        "if policy is None or unlisted is not None:",
    ),
    _row(
        "an answer is signed unasked",
        "wallet_cli/commands/present.py",
        "wallet/test_requests.py"
        " test_a_person_reads_who_asks_for_what_and_what_is_shown_before_it_is_signed",
        "    session.terminal.confirm(\n",
        "    session.terminal.say(\n",
        'Bilingual("签名并出示？", "sign and show it?"), _about(session, question, held)\n',
        'Bilingual("签名并出示？", "sign and show it?")\n',
    ),
    _row(
        "what is deleted stays in the older file",
        "wallet_cli/store.py",
        "wallet/test_racing.py test_a_deleted_credential_is_gone_from_every_file",
        "            self._write(change(self._newest(directory.read())), None)\n"
        "            directory.wipe_older()\n",
        "            self._write(change(self._newest(directory.read())), None)\n",
    ),
    _row(
        "a credential is written over the wallet",
        "wallet_cli/session.py",
        "attacks/test_wallet_deliveries.py test_export_over_the_wallets_own_files",
        "if self.directory.holds(path):",
        "if path is None:",
    ),
    _row(
        "a wallet keeps no proof of a fork",
        "did_service/verifier/importing.py",
        "wallet/test_one_trust.py"
        " test_wallet_keeps_the_proof_of_a_fork_and_relies_on_neither_history",
        "    keep_forks(directory, held, merged.forks)\n",
        "",
    ),
)

OUTCOME = (
    _row(
        "a document is accepted without its holder",
        f"{VERIFICATION}/report.py",
        "attacks/test_verifier.py test_copied_file_is_never_accepted"
        " test_document_alone_is_never_accepted",
        "if not self.holder_proven:",
        "if not self.checks:",
    ),
    _row(
        "the same bytes are judged again",
        "did_service/verifier/decide.py",
        "attacks/test_verifier.py test_replay_same_counter",
        "if asked.answer.presented != sha256(question.presented):",
        "if asked.answer.presented:",
    ),
    _row(
        "another file with a used code is the first one",
        "did_service/verifier/decide.py",
        "attacks/test_verifier.py test_same_code_with_other_bytes",
        "if asked.answer.presented != sha256(question.presented):",
        "if not asked.answer.presented:",
    ),
    _row(
        "what stands below a broken signature is judged",
        f"{VERIFICATION}/not_judged.py",
        "verifier/test_verdict.py test_below_a_broken_signature_nothing_is_judged",
        'BROKEN = ("proof_invalid", "key_not_listed")',
        "BROKEN = ()",
    ),
    _row(
        "a name is shown though another person brings it",
        f"{VERIFICATION}/hidden.py",
        "verifier/test_verdict.py"
        " test_a_name_is_shown_only_if_the_issuer_and_the_holder_signed",
        "check.step == _HOLDER and check.result is Result.FAILED",
        "check.step == _HOLDER and check.result is None",
    ),
    _row(
        "claims are told of what did not pass",
        f"{VERIFICATION}/summary.py",
        "verifier/test_verdict.py"
        " test_a_document_that_is_too_old_to_judge_says_whose_it_is_and_no_claims",
        "if not passed(checks, place):",
        "if not checks:",
    ),
    _row(
        "the first finding is the reason, not the strongest",
        f"{VERIFICATION}/headline.py",
        "verifier/test_verdict.py"
        " test_the_strongest_of_many_is_the_reason_and_brings_its_own_next_step",
        "return min(deciding, key=lambda check: _PLACE[check.code], default=None)",
        "return next(deciding, None)",
    ),
    _row(
        "what was verified under another policy counts",
        f"{VERIFICATION}/verified.py",
        "core/verification/test_once.py"
        " test_what_was_verified_under_another_policy_is_verified_again",
        "if kept is None or kept.policy != digest:",
        "if kept is None:",
    ),
    _row(
        "a list counts though its keeper has another key",
        f"{VERIFICATION}/list_keepers.py",
        "core/verification/test_once.py"
        " test_a_list_counts_no_more_once_its_keeper_has_replaced_the_key",
        "resolve(method, proof_set.ASSERTION) == key for method, key in read.keys\n",
        "key for method, key in read.keys\n",
    ),
    _row(
        "an error of a judging command is the verdict refused",
        "did_service/program/exits.py",
        "program/test_exits.py test_an_error_is_never_taken_for_the_verdict_refused",
        "return Exit.UNDECIDED if code is Exit.REFUSED and command in _JUDGING else code",
        "return code",
    ),
    _row(
        "any verdict that was reached is ok",
        "did_service/program/envelope.py",
        "program/test_same_end.py test_a_verdict_that_is_not_accepted_is_never_ok",
        '"ok": error is None and exit_code == Exit.DONE,',
        '"ok": error is None,',
    ),
    _row(
        "evidence that is over is still good",
        "did_service/verifier/validity.py",
        "verify_cli/test_trust.py test_show_answers_first_until_when_it_is_good",
        "return now >= self.until[DEFAULT]",
        "return now >= self.policy.expires",
    ),
    _row(
        "whoever answers where a service listens makes its health check pass",
        "did_service/node/health.py",
        "cli/test_health.py test_who_answers_in_the_place_of_a_service_does_not_make_it_well",
        "if (status, said) == (200, _WELL[question]):",
        "if status == 200:",
    ),
    _row(
        "a service that waits passes its health check",
        "did_service/cli/health.py",
        "cli/test_health.py test_a_service_that_waits_lives_and_is_not_ready",
        "HealthQuestion.LIVES if live else HealthQuestion.READY",
        "HealthQuestion.LIVES",
    ),
)

SERVERS = (
    _row(
        "a judge's yes stands for any profile",
        "did_service/core/anchor/rules/did.py",
        "services/test_judges.py test_a_profile_that_it_does_not_keep_is_demanded_all_the_same",
        "return is_due and profile in first.profiles",
        "return is_due",
    ),
    _row(
        "a judge's yes stands for any time",
        "did_service/core/anchor/rules/did.py",
        "services/test_judges.py"
        " test_a_version_dated_ahead_of_the_log_is_refused_though_it_was_found_good",
        "return is_due and profile in first.profiles",
        "return profile in first.profiles",
    ),
    _row(
        "a hot path answers any method",
        "did_service/web/hot.py",
        "services/test_hot_routes.py test_any_method_on_a_hot_path",
        "found = self._exact.get((method, path))",
        'found = self._exact.get(("POST", path))',
    ),
    _row(
        "a hot route is answered below any path that begins as it does",
        "did_service/web/hot.py",
        "services/test_hot_routes.py test_only_exact_methods_and_paths_are_hot",
        "if path.startswith(begin)",
        "if begin in path",
    ),
    _row(
        "what is remembered of a DID outlives its newest entry",
        "did_service/resolver/resolver.py",
        "services/test_resolver_remembers.py"
        " test_an_entry_is_seen_by_the_next_request_though_nothing_is_published",
        "self._histories.named((newest.leaf, str(did)), read, str(did))",
        "self._histories.named(str(did), read, str(did))",
    ),
    _row(
        "a proof is remembered for every checkpoint to come",
        "did_service/resolver/resolver.py",
        "services/test_resolver_remembers.py test_a_checkpoint_that_comes_brings_its_own_proof",
        "self._proofs.keep((scid, note), proof, len(note) + len(jcs.encode(proof)))",
        "self._proofs.keep((scid, note), proof, 1); self._proof_at = lambda *_: proof",
    ),
)

MUTANTS = (
    *OLD_EVIDENCE,
    *VERDICT,
    *SPELLING,
    *CLOCKS,
    *SCHEMAS,
    *POLICY_AND_LOGS,
    *COUNTER_WALLET_ISSUER,
    *WALLET,
    *OUTCOME,
    *SERVERS,
)
