"""Someone who moves to another address, by the flows: the arrangement of the tests beside."""

from dataclasses import dataclass
from uuid import UUID

from auth_service.flows.address_changes import Moved, ask_to_move, move
from auth_service.flows.outcomes import ChallengeClosed, CodeWrong
from auth_service.model.challenges import Challenge
from tests.integration.auth_service.door import BINDING, Door
from tests.integration.auth_service.presences import AT_HOME, Present

NEW = "countess@example.com"


@dataclass(frozen=True)
class Move:
    """Someone who moves, as the API has them do it."""

    door: Door
    who: Present

    async def ask(self, address: str = NEW) -> Challenge:
        async with self.door.database.unit(caller=AT_HOME) as unit:
            return await ask_to_move(
                self.who.user,
                address,
                binding=BINDING,
                unit=unit,
                rules=self.door.rules,
                peppers=self.door.peppers,
                sealer=self.door.sealer,
            )

    async def answer(
        self, challenge_id: UUID, code: str, *, binding: str = BINDING, device: str | None = None
    ) -> Moved | CodeWrong | ChallengeClosed:
        async with self.door.database.unit(caller=AT_HOME) as unit:
            return await move(
                challenge_id,
                code,
                mover=self.who.user,
                current=self.who.session,
                binding=binding,
                device=device,
                unit=unit,
                rules=self.door.rules,
                peppers=self.door.peppers,
                sealer=self.door.sealer,
            )

    async def asked(self, address: str = NEW) -> tuple[UUID, str]:
        challenge = await self.ask(address)
        return challenge.id, await self.door.mailed_code(challenge.id)
