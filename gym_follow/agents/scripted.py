"""A scripted perfect agent: the most that an agent can reach, because the quad flies to the reports by itself."""

from gym_follow.report import Action, Info, Observation, detected


class ScriptedAgent:
    """Reports the true position in every frame, whether the target is in view or not."""

    def act(self, observation: Observation, info: Info) -> Action:
        """Return the true position."""
        return detected(info["target"])
